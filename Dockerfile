# syntax=docker/dockerfile:1
# `docker build -t newsquote .` — everything that is needed at run time is inside: no start and no question opens a
# connection but the bot's own to Discord.

ARG PYTHON=3.11

# ---- build: installs, proves that it answers, and is thrown away ----
FROM python:${PYTHON}-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/newsquote
ENV PATH=/opt/newsquote/bin:$PATH
WORKDIR /src

# Dependencies before the code, so that a changed line of code installs nothing anew. torch first:
# `--build-arg TORCH_INDEX=…` with the index of CPU builds that PyTorch's installation page gives spares this stage, which
# is thrown away, several GB of CUDA libraries.
COPY pyproject.toml ./
ARG TORCH_INDEX=
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$(grep -o 'torch==[0-9.]*' pyproject.toml)" \
 && python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*p['dependencies'], *p['optional-dependencies']['llm'], sep='\n')" \
    > /tmp/requirements.txt \
 && pip install -r /tmp/requirements.txt

COPY . .
RUN pip install --no-deps .

# The vocabulary by which a language model's prompt is measured. Where it cannot be fetched bytes are counted instead.
ENV TIKTOKEN_CACHE_DIR=/opt/newsquote/tiktoken
RUN mkdir -p "$TIKTOKEN_CACHE_DIR" \
 && (timeout 120 python -c "import tiktoken; tiktoken.get_encoding('o200k_base')" || echo "no vocabulary; bytes are counted")

# From here on torch is dead weight (1.1 GB). What is left must still read, search and answer: if not, the build ends here.
# `--build-arg KEEP_TORCH=1` keeps it, for another embedding model (NEWSQUOTE_MODEL).
ARG KEEP_TORCH=
RUN test -n "$KEEP_TORCH" || pip uninstall --yes torch sentence-transformers transformers scikit-learn scipy joblib threadpoolctl narwhals \
    sympy networkx mpmath \
    $(pip freeze | grep -oE '^(nvidia|cuda|triton)[^=@ ]*')
RUN newsquote --data /tmp/trial ingest ingest/sample/articles.jsonl \
 && newsquote --data /tmp/trial doctor \
 && newsquote --data /tmp/trial ask "what deadline did Bessent mention?" --asked-on 2025-04-30

# ---- what is shipped ----
FROM python:${PYTHON}-slim-bookworm

# A new named volume takes owner and mode from the folder that it covers.
RUN useradd --system --uid 10001 --no-create-home --home-dir /data newsquote \
 && install --directory --owner=newsquote --mode=0750 /data

COPY --from=build /opt/newsquote /opt/newsquote

ENV PATH=/opt/newsquote/bin:$PATH \
    NEWSQUOTE_DATA=/data \
    NEWSQUOTE_METRICS_PORT=9464 \
    TIKTOKEN_CACHE_DIR=/opt/newsquote/tiktoken \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1

USER newsquote
WORKDIR /data
# As the user that it runs as: the model is found, an article goes in, and no trace of it stays.
RUN head -n 1 /opt/newsquote/lib/python*/site-packages/ingest/sample/articles.jsonl \
  | NEWSQUOTE_DATA=/tmp/trial newsquote ingest - \
 && rm -r /tmp/trial
CMD ["newsquote", "bot"]

# 503, and so unhealthy, while the bot is not on the line with Discord or has no index.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/health' % os.environ['NEWSQUOTE_METRICS_PORT'], timeout=4)"]
