package io.millrace.bench.torture;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Stands between the cluster and its broker on the loopback interface, and cuts every connection when told. Thread safe. */
final class TcpProxy implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int CONNECT_MS = 1_000;

    private final InetSocketAddress target;
    private final ServerSocket server;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile long closedUntilNanos = System.nanoTime();

    /**
     * Starts to listen.
     *
     * @param targetPort of the loopback interface
     */
    TcpProxy(int targetPort) throws IOException {
        target = new InetSocketAddress(InetAddress.getLoopbackAddress(), targetPort);
        server = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
        start("accept", this::accept);
    }

    /** Returns the port that it listens on. */
    int port() {
        return server.getLocalPort();
    }

    /** Cuts all connections, and every new one for a while. */
    void cut(Duration length) {
        closedUntilNanos = System.nanoTime() + length.toNanos();
        open.forEach(TcpProxy::end);
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                if (System.nanoTime() < closedUntilNanos) {
                    end(client);
                } else {
                    start("connect", () -> connect(client));
                }
            }
        } catch (IOException e) {
            open.forEach(TcpProxy::end); // closed
        }
    }

    private void connect(Socket client) {
        Socket broker = new Socket();
        open.add(client);
        open.add(broker);
        try {
            client.setTcpNoDelay(true);
            broker.setTcpNoDelay(true);
            broker.connect(target, CONNECT_MS);
            start("to the broker", () -> pump(client, broker));
            pump(broker, client);
        } catch (IOException e) {
            end(broker); // the broker isn't there, and its client shall know
            end(client);
        }
        open.remove(client);
        open.remove(broker);
    }

    private void pump(Socket from, Socket to) {
        byte[] buffer = new byte[BUFFER_BYTES];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (System.nanoTime() < closedUntilNanos) {
                    break; // came up while the others were cut
                }
                out.write(buffer, 0, n);
            }
        } catch (IOException e) {
            // one side has gone: so must the other
        } finally {
            end(from);
            end(to);
        }
    }

    private static void end(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new IllegalStateException("can't close " + socket, e);
        }
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, "proxy " + name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
        open.forEach(TcpProxy::end);
    }
}
