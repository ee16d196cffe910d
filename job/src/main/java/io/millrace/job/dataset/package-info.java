/**
 * Datasets: rows of files in, verified samples in checked shards out. Without Flink: one process, constant memory, and after a kill
 * it goes on with what it finished.
 *
 * <p>{@link io.millrace.job.dataset.DatasetRun} is the loop: a {@link io.millrace.job.dataset.RowSource} gives rows,
 * {@link io.millrace.job.dataset.Columns} makes questions of them, a {@link io.millrace.job.dataset.RowLoop} per row draws samples
 * until it has enough, and {@link io.millrace.job.dataset.Shards} keeps what is done and writes each shard once.
 *
 * <p>{@link io.millrace.job.dataset.ClusterDataset} runs the same loop per row in a Flink job, without what needs one process.
 *
 * <p>May import: job (options, lines), operators, engine, Jackson, Parquet; Flink only in {@code ClusterDataset} and
 * {@code RowFunction}. Start reading at {@link io.millrace.job.dataset.DatasetRun}.
 */
@NullMarked
package io.millrace.job.dataset;

import org.jspecify.annotations.NullMarked;
