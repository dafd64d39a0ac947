# Chaski in a container. Build: docker build -t chaski .   Run: docker run -v mail:/var/lib/chaski -p 25:2525 chaski
# The volume must be exclusive to one container: the data folder's lock is an abstract Unix socket of one kernel.
FROM node:20-bookworm-slim AS packages
WORKDIR /opt/chaski
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM debian:bookworm-slim
RUN useradd --system --home-dir /var/lib/chaski --shell /usr/sbin/nologin chaski \
  && install -d -o chaski -g chaski -m 0700 /var/lib/chaski
WORKDIR /opt/chaski
COPY --from=packages /opt/chaski/node_modules ./node_modules
COPY package.json LICENSE README.md ./
COPY src ./src
COPY workers ./workers
COPY config ./config
RUN ln -s /opt/chaski/src/cli/chaski /usr/local/bin/chaski
USER chaski
ENV CHASKI_DATA=/var/lib/chaski
VOLUME /var/lib/chaski
EXPOSE 2525 2587 2465 2424 2143 2993 2110 2995 2080
STOPSIGNAL SIGTERM
ENTRYPOINT ["chaski"]
CMD ["serve", "-c", "/opt/chaski/config/profiles/docker.toml"]
