"""Places and peoples as newspapers name them, in lower case and without their article."""

from __future__ import annotations

from bot.english import word_set


def _listed(names: str) -> frozenset[str]:
    return frozenset(names.split(", "))


STATES = word_set(
    "alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii "
    "idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan "
    "minnesota mississippi missouri montana nebraska nevada ohio oklahoma oregon pennsylvania tennessee "
    "texas utah vermont virginia washington wisconsin wyoming"
) | _listed(
    "new hampshire, new jersey, new mexico, new york, north carolina, north dakota, rhode island, "
    "south carolina, south dakota, west virginia"
)
COUNTRIES = word_set(
    "afghanistan albania algeria angola argentina armenia australia austria azerbaijan bahamas bahrain "
    "bangladesh barbados belarus belgium belize benin bhutan bolivia botswana brazil britain brunei "
    "bulgaria burundi cambodia cameroon canada chad chile china colombia comoros congo croatia cuba "
    "cyprus czechia denmark djibouti dominica ecuador egypt england eritrea estonia eswatini ethiopia "
    "fiji finland france gabon gambia georgia germany ghana greece grenada guatemala guinea guyana haiti "
    "honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica japan jordan "
    "kazakhstan kenya kiribati kosovo kuwait kyrgyzstan laos latvia lebanon lesotho liberia libya "
    "liechtenstein lithuania luxembourg madagascar malawi malaysia maldives mali malta mauritania "
    "mauritius mexico moldova monaco mongolia montenegro morocco mozambique myanmar namibia nauru nepal "
    "netherlands nicaragua niger nigeria norway oman pakistan palau palestine panama paraguay peru "
    "philippines poland portugal qatar romania russia rwanda samoa scotland senegal serbia seychelles "
    "singapore slovakia slovenia somalia spain sudan suriname sweden switzerland syria taiwan tajikistan "
    "tanzania thailand togo tonga tunisia turkey türkiye turkmenistan tuvalu uganda uk ukraine uruguay us "
    "usa uzbekistan vanuatu vatican venezuela vietnam wales yemen zambia zimbabwe"
) | _listed(
    "burkina faso, cape verde, costa rica, czech republic, dominican republic, east timor, el "
    "salvador, ivory coast, marshall islands, new zealand, north korea, north macedonia, northern "
    "ireland, papua new guinea, puerto rico, san marino, saudi arabia, sierra leone, solomon islands, "
    "south africa, south korea, south sudan, sri lanka, trinidad and tobago, united arab emirates, "
    "united kingdom, united states"
)
CITIES = word_set(
    "amsterdam athens atlanta austin baghdad baltimore bangkok barcelona beijing beirut berlin birmingham "
    "boston brussels budapest cairo chicago cleveland copenhagen dallas damascus delhi denver detroit "
    "dubai dublin edinburgh florence gaza geneva glasgow houston istanbul jerusalem kabul kyiv lisbon "
    "liverpool london madrid manchester melbourne memphis miami milan milwaukee minneapolis montreal "
    "moscow mumbai munich naples nashville orlando oslo oxford paris philadelphia phoenix portland prague "
    "rome sacramento seattle seoul shanghai stockholm sydney tehran tokyo toronto vancouver venice vienna "
    "warsaw zurich europe africa asia antarctica arctic"
) | _listed(
    "buenos aires, cape town, hong kong, las vegas, los angeles, mexico city, new delhi, new orleans, "
    "new york city, rio de janeiro, salt lake city, san antonio, san diego, san francisco, são paulo, "
    "tel aviv, washington dc, latin america, south america, north america, middle east"
)
PLACES = STATES | COUNTRIES | CITIES
NATIONALITIES = word_set(
    "american british english scottish welsh irish french german italian spanish portuguese dutch belgian "
    "swiss austrian swedish norwegian danish finnish polish russian ukrainian turkish greek israeli "
    "palestinian iranian iraqi syrian saudi egyptian indian pakistani chinese japanese korean taiwanese "
    "vietnamese thai australian canadian mexican brazilian argentine cuban african european asian "
    "nigerian kenyan"
)
PLACES_AND_PEOPLES = PLACES | NATIONALITIES
