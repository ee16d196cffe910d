package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TopCommandTest {
    private final AtomicInteger tokens = new AtomicInteger(1000);
    private HttpServer server;

    @TempDir
    Path folder;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/metrics", exchange -> {
            byte[] body = ("millrace_num_requests_running 7.0\nmillrace_generation_tokens_total "
                            + tokens.getAndAdd(500) + "\n")
                    .getBytes(UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private CommandRun top(String endpoints, String... more) {
        String[] args = new String[more.length + 5];
        args[0] = "top";
        args[1] = "--once";
        args[2] = "--interval=0.2";
        args[3] = "--metrics=" + endpoints;
        args[4] = "--work=" + folder;
        System.arraycopy(more, 0, args, 5, more.length);
        return CommandRun.of("", args);
    }

    private String endpoint() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    @Test
    void looksTwiceAndShowsTheDifference() throws IOException {
        CommandRun run = top(endpoint() + ",127.0.0.1:1", "--json");

        assertThat(run.exitCode()).isZero();
        assertThat(run.json().path("num_requests_running").asInt()).isEqualTo(7);
        double seconds = run.json().path("interval_seconds").asDouble();
        assertThat(seconds).isGreaterThanOrEqualTo(0.2);
        assertThat(run.json().path("generation_tokens_per_second").asDouble() * seconds)
                .isEqualTo(500, within(1e-6));
        assertThat(run.json().path("silent").toString()).isEqualTo("[\"127.0.0.1:1\"]");
    }

    @Test
    void onceShowsOneScreen() {
        assertThat(top(endpoint()).out())
                .startsWith("millrace   1 task managers\n")
                .contains("7 running");
    }

    @Test
    void nobodyThereIsOneLineWithTheWayOut() {
        CommandRun run = top("127.0.0.1:1");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .isEqualTo("millrace top: no task manager answers on 127.0.0.1:1: start the job with --metrics-port and"
                        + " name the addresses with --metrics HOST:PORT\n");
    }

    @Test
    void anAddressIsHostAndPort() {
        assertThat(top("nonsense").err()).startsWith("millrace top: --metrics has \"nonsense\" but needs HOST:PORT");
    }
}
