package io.millrace.bench.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class TcpProxyTest {
    private static final Duration CUT = Duration.ofMillis(300);

    @Test
    void bytesGoBothWaysUntilItIsCutAndAgainAfterwards() throws Exception {
        try (ServerSocket target = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
                TcpProxy proxy = new TcpProxy(target.getLocalPort())) {
            try (Socket client = connect(proxy);
                    Socket broker = target.accept()) {
                assertEchoes(client, broker);
                proxy.cut(CUT);
                assertThat(readOrEnd(client)).isEqualTo(-1);
                assertThat(readOrEnd(broker)).isEqualTo(-1);
            }
            try (Socket refused = connect(proxy)) {
                assertThat(readOrEnd(refused)).isEqualTo(-1);
            }
            Thread.sleep(CUT.toMillis());
            try (Socket client = connect(proxy);
                    Socket broker = target.accept()) {
                assertEchoes(client, broker);
            }
        }
    }

    @Test
    void aClientWhoseBrokerIsGoneIsToldSo() throws Exception {
        int nobody;
        try (ServerSocket target = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = target.getLocalPort();
        }
        try (TcpProxy proxy = new TcpProxy(nobody);
                Socket client = connect(proxy)) {
            assertThat(readOrEnd(client)).isEqualTo(-1);
        }
    }

    private static Socket connect(TcpProxy proxy) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
        socket.setSoTimeout(5_000);
        return socket;
    }

    private static void assertEchoes(Socket client, Socket broker) throws IOException {
        client.getOutputStream().write(7);
        assertThat(broker.getInputStream().read()).isEqualTo(7);
        broker.getOutputStream().write(9);
        assertThat(client.getInputStream().read()).isEqualTo(9);
    }

    /** A cut connection ends, or is reset. */
    private static int readOrEnd(Socket socket) {
        try {
            return socket.getInputStream().read();
        } catch (java.net.SocketTimeoutException e) {
            throw new AssertionError("still open", e);
        } catch (IOException e) {
            return -1;
        }
    }
}
