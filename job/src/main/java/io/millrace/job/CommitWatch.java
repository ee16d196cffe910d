package io.millrace.job;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Around the connector's committer, which drops a commit with a log line whether its records are gone or had been committed before:
 * this one asks the broker. Restored transactions are asked about before they are committed, others when the connector gives
 * them up. Thread: the committer's.
 */
final class CommitWatch implements Committer<KafkaCommittable> {
    private static final Logger LOG = LoggerFactory.getLogger(CommitWatch.class);

    private final Committer<KafkaCommittable> committer;
    private final Properties client;
    private final String topic;
    private final boolean isFailing;
    private final Counter lostCommits;

    /**
     * Makes one.
     *
     * @param committer the connector's; closed with this
     * @param client bootstrap servers and whatever the clients need
     * @param topic that the sink writes to, for the report
     * @param isFailing a lost commit ends the job for good, else it is reported
     * @param lostCommits counts them
     */
    CommitWatch(
            Committer<KafkaCommittable> committer,
            Properties client,
            String topic,
            boolean isFailing,
            Counter lostCommits) {
        this.committer = committer;
        this.client = client;
        this.topic = topic;
        this.isFailing = isFailing;
        this.lostCommits = lostCommits;
    }

    @Override
    public void commit(Collection<CommitRequest<KafkaCommittable>> requests) throws IOException, InterruptedException {
        List<CommitRequest<KafkaCommittable>> open = new ArrayList<>();
        for (CommitRequest<KafkaCommittable> request : requests) {
            boolean isRestored = request.getCommittable().getProducer().isEmpty();
            CommitVerdict verdict = isRestored ? ask(request.getCommittable()) : CommitVerdict.OPEN;
            if (verdict == CommitVerdict.OPEN) {
                open.add(new Watched(request));
            } else {
                end(request, verdict, new IllegalStateException("found so after a restore"));
            }
        }
        committer.commit(open);
    }

    private CommitVerdict ask(KafkaCommittable c) throws IOException, InterruptedException {
        String id = c.getTransactionalId();
        try (Admin admin = Admin.create(client)) {
            return CommitVerdict.of(
                    c.getProducerId(),
                    c.getEpoch(),
                    admin.describeTransactions(List.of(id)).description(id).get());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TransactionalIdNotFoundException) {
                return CommitVerdict.UNKNOWN; // forgotten after transactional.id.expiration.ms
            }
            throw new IOException(
                    "can't ask the broker what became of transaction " + id + ": "
                            + Objects.requireNonNullElse(e.getCause(), e).getMessage(),
                    e);
        }
    }

    private void end(CommitRequest<KafkaCommittable> request, CommitVerdict verdict, Throwable reason) {
        if (verdict == CommitVerdict.COMMITTED) {
            request.signalAlreadyCommitted();
            return;
        }
        KafkaCommittable c = request.getCommittable();
        lostCommits.inc();
        String report = (verdict == CommitVerdict.LOST
                        ? "LOST COMMIT: the broker aborted a transaction of topic "
                        : "MAYBE LOST COMMIT: the broker no longer knows the end of a transaction of topic ")
                + topic + " that a checkpoint relied on (transactional id " + c.getTransactionalId() + ", producer id "
                + c.getProducerId() + ", epoch " + c.getEpoch()
                + "): its records are not visible; \"millrace reconcile\" lists the prompts left without an answer, --publish "
                + "sends them again; raise transaction-timeout above the longest outage";
        LOG.error(report, reason);
        if (isFailing) {
            throw new SuppressRestartsException(new IllegalStateException(report, reason));
        }
        request.signalFailedWithKnownReason(reason);
    }

    /** A request that the connector may give up. */
    private final class Watched implements CommitRequest<KafkaCommittable> {
        private final CommitRequest<KafkaCommittable> request;

        Watched(CommitRequest<KafkaCommittable> request) {
            this.request = request;
        }

        @Override
        public KafkaCommittable getCommittable() {
            return request.getCommittable();
        }

        @Override
        public int getNumberOfRetries() {
            return request.getNumberOfRetries();
        }

        @Override
        public void signalFailedWithKnownReason(Throwable t) {
            CommitVerdict verdict;
            try {
                verdict = ask(getCommittable());
            } catch (IOException e) {
                throw new IllegalStateException(e.getMessage(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while asking for a transaction", e);
            }
            end(request, verdict == CommitVerdict.OPEN ? CommitVerdict.UNKNOWN : verdict, t);
        }

        @Override
        public void signalFailedWithUnknownReason(Throwable t) {
            request.signalFailedWithUnknownReason(t);
        }

        @Override
        public void retryLater() {
            request.retryLater();
        }

        @Override
        public void updateAndRetryLater(KafkaCommittable committable) {
            request.updateAndRetryLater(committable);
        }

        @Override
        public void signalAlreadyCommitted() {
            request.signalAlreadyCommitted();
        }
    }

    @Override
    public void close() throws Exception {
        committer.close();
    }
}
