"""`make train`: makes what is learned and ships, from the data folder alone."""
