# Two images. The last stage, which docker compose builds (docs/docker.md): Millrace with its command line, the jars of its Flink cluster,
# and the shipped model. Stage flink (docs/kubernetes.md): Flink's own image with the job and the shipped model in it.
FROM maven:3.9-eclipse-temurin-17 AS build
WORKDIR /src
COPY . .
RUN mvn -B -pl job -am -Dmaven.test.skip=true -Dspotless.check.skip=true -Dcheckstyle.skip=true package

FROM flink:2.3.0-java17 AS flink
COPY --from=build /src/job/target/dist/millrace-lib/ /opt/flink/lib/
COPY --from=build /src/job/target/dist/millrace.jar /opt/flink/usrlib/millrace.jar
COPY --from=build /src/models /opt/flink/models

FROM eclipse-temurin:17
RUN useradd --create-home --uid 1000 millrace \
    && install -d -o millrace -g millrace /var/lib/millrace
WORKDIR /opt/millrace
COPY --from=build /src/millrace ./millrace
COPY --from=build /src/job/target/millrace.jar ./job/target/
COPY --from=build /src/job/target/lib ./job/target/lib
COPY --from=build /src/job/target/dist ./job/target/dist
COPY --from=build /src/models ./models
COPY --from=build /src/examples/docker ./examples/docker
USER millrace
VOLUME /var/lib/millrace
ENTRYPOINT ["/opt/millrace/millrace"]
CMD ["--help"]
