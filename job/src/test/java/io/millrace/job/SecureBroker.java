package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;

/**
 * A broker with a SASL_SSL listener beside its plain one: SCRAM-SHA-512, a certificate of its own making, and ACLs: its user may do
 * what a job needs and nothing else. Thread: one.
 */
final class SecureBroker implements AutoCloseable {
    static final String USER = "millrace-job";
    private static final String KEY_STORE_PASSWORD = "of-the-broker";

    private final EmbeddedBroker broker;
    private final String address;
    private final Path folder;

    private SecureBroker(EmbeddedBroker broker, String address, Path folder) {
        this.broker = broker;
        this.address = address;
        this.folder = folder;
    }

    /**
     * Starts one.
     *
     * @param password of {@link #USER}
     * @param trustStorePassword of the file that clients need
     */
    static SecureBroker start(Path folder, String password, String trustStorePassword) throws Exception {
        Files.createDirectories(folder);
        Path keys = folder.resolve("broker.p12");
        Path certificate = folder.resolve("broker.pem");
        keytool("-genkeypair", "-keystore", keys.toString(), "-storepass", KEY_STORE_PASSWORD, "-alias", "broker");
        keytool(
                "-exportcert",
                "-rfc",
                "-keystore",
                keys.toString(),
                "-storepass",
                KEY_STORE_PASSWORD,
                "-alias",
                "broker",
                "-file",
                certificate.toString());
        keytool(
                "-importcert",
                "-noprompt",
                "-keystore",
                folder.resolve("trust.p12").toString(),
                "-storepass",
                trustStorePassword,
                "-file",
                certificate.toString());
        String address = "127.0.0.1:" + freePort();
        EmbeddedBroker broker = EmbeddedBroker.start(
                folder.resolve("kafka"),
                Map.of(
                        "listeners", "SASL_SSL://" + address,
                        "advertised.listeners", "SASL_SSL://" + address,
                        "listener.security.protocol.map", "SASL_SSL:SASL_SSL",
                        "sasl.enabled.mechanisms", "SCRAM-SHA-512",
                        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config",
                                "org.apache.kafka.common.security.scram.ScramLoginModule required;",
                        "ssl.keystore.type", "PKCS12",
                        "ssl.keystore.location", keys.toString(),
                        "ssl.keystore.password", KEY_STORE_PASSWORD,
                        "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                        "super.users", "User:ANONYMOUS"));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
                            USER, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password)))
                    .all()
                    .get(30, TimeUnit.SECONDS);
        }
        return new SecureBroker(broker, address, folder);
    }

    private static void keytool(String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(args));
        if (args[0].equals("-genkeypair")) {
            command.addAll(List.of("-storetype", "PKCS12", "-keyalg", "EC", "-validity", "2"));
            command.addAll(List.of("-dname", "CN=localhost", "-ext", "SAN=ip:127.0.0.1,dns:localhost"));
        }
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Returns the address of the SASL_SSL listener. */
    String address() {
        return address;
    }

    /** Returns the file of certificates that clients trust. */
    Path trustStore() {
        return folder.resolve("trust.p12");
    }

    /** Returns the broker, whose plain listener may do everything. */
    EmbeddedBroker broker() {
        return broker;
    }

    /** Runs something with an administrator's client. */
    void administer(Administration what) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            what.accept(admin);
        }
    }

    interface Administration {
        void accept(Admin admin) throws ExecutionException, InterruptedException;
    }

    @Override
    public void close() {
        broker.close();
    }
}
