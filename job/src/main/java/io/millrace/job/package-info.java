/**
 * The pipeline: Kafka in, {@code ContinuousBatchOperator}, Kafka out, each completion exactly once; and the same operator between
 * two files.
 *
 * <p>{@link io.millrace.job.MillraceJob} is the pipeline on one screen, {@link io.millrace.job.JobOptions} every option,
 * {@link io.millrace.job.KafkaEnds} its ends, {@link io.millrace.job.DatasetJob} the one between files.
 * {@link io.millrace.job.EmbeddedBroker} and {@link io.millrace.job.EmbeddedFlink} are what the command line runs it on when
 * there is no cluster; no class of the pipeline knows them.
 *
 * <p>May import: operators, engine, schemas, Flink, Kafka. Start reading at {@link io.millrace.job.MillraceJob#build}.
 */
@NullMarked
package io.millrace.job;

import org.jspecify.annotations.NullMarked;
