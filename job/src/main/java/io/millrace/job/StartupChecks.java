package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What must hold before a job starts: one list of checks, which {@code millrace doctor} prints and a starting job obeys. Each gives
 * one line with value, limit and way out.
 */
public final class StartupChecks {
    private static final Logger LOG = LoggerFactory.getLogger(StartupChecks.class);

    /** Asked of the broker, in this order; without the first one there is nobody to ask. */
    private static final List<Check> LIST = List.of(
            new Check("broker", BrokerChecks::reachable),
            new Check("broker version", BrokerChecks::version),
            new Check("transaction time-out", BrokerChecks::transactionTimeout),
            new Check("outage", BrokerChecks::outage),
            new Check("topics", BrokerChecks::topics),
            new Check("optional topics", BrokerChecks::optionalTopics),
            new Check("replicas", BrokerChecks::replicas),
            new Check("message size", BrokerChecks::messageSize),
            new Check("rights", BrokerChecks::rights),
            new Check("clock", BrokerChecks::clock));

    private record Check(String name, Function<BrokerChecks, String> look) {
        Finding of(BrokerChecks broker) {
            try {
                return Finding.ok(name, look.apply(broker));
            } catch (BrokerChecks.WarningException e) {
                return Finding.warning(name, String.valueOf(e.getMessage()));
            } catch (ConfigException e) {
                return Finding.failed(name, e);
            }
        }
    }

    private StartupChecks() {}

    /** Looks at everything that the broker can tell. Returns one finding per check; only the first if nobody answers. */
    public static List<Finding> look(JobOptions options) {
        try (BrokerChecks broker = BrokerChecks.open(options)) {
            return look(broker);
        } catch (ConfigException e) { // no client, no questions
            return List.of(Finding.failed(LIST.get(0).name(), e));
        }
    }

    private static List<Finding> look(BrokerChecks broker) {
        List<Finding> findings = new ArrayList<>();
        for (Check check : LIST) {
            findings.add(check.of(broker));
            if (findings.get(0).verdict() == Finding.Verdict.FAILED) {
                break;
            }
        }
        return findings;
    }

    /**
     * Checks the topics and the limits of the broker; warnings are logged.
     *
     * @return the options without those topics that a job can do without and that aren't there
     * @throws ConfigException if the job could not run, or could lose a completion
     */
    public static JobOptions broker(JobOptions options) {
        try (BrokerChecks broker = BrokerChecks.open(options)) {
            for (Finding f : look(broker)) {
                if (f.failure() != null) {
                    throw f.failure();
                }
                if (f.verdict() == Finding.Verdict.WARNING) {
                    LOG.warn("{}: {}", f.check(), f.text());
                }
            }
            JobOptions found = options;
            for (JobOption<String> o : broker.missingOptionalTopics()) {
                found = found.without(o);
            }
            return found;
        }
    }

    /** Checks that a model folder lies on this machine. */
    public static void modelFolder(Path folder) {
        if (!Files.isRegularFile(folder.resolve("config.json"))) {
            throw new ConfigException(
                    folder + " is no model folder (no config.json): give --model the folder of a published checkpoint");
        }
    }
}
