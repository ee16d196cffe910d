/**
 * A cluster of real processes on this machine, without Docker: a Kafka broker, a ZooKeeper for Flink's high availability, a job
 * manager, task managers, and a supervisor that restarts what dies. Assembled from Maven's jars. For trying things out and for
 * breaking them on purpose; no part listens beyond the loopback interface.
 */
@NullMarked
package io.millrace.job.local;

import org.jspecify.annotations.NullMarked;
