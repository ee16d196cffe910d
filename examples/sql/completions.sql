-- What Millrace answered so far, in Flink SQL. Docs: docs/sql.md
--
--   sql-client.sh -f examples/sql/completions.sql     (flink-sql-connector-kafka-5.0.0-2.2.jar in Flink's lib/)
--
-- As a batch: it reads up to the topic's end and stops. As a stream, leave out the mode and 'scan.bounded.mode'.
SET 'execution.runtime-mode' = 'batch';
SET 'sql-client.execution.result-mode' = 'tableau';

-- A completion as it is on the wire; columns that aren't named here are skipped. JSON chat completions only, neither batch lines nor Avro.
CREATE TABLE completions (
    `partition` INT METADATA VIRTUAL,
    `offset` BIGINT METADATA VIRTUAL,
    id STRING,
    model STRING,
    choices ARRAY<ROW<
        message ROW<content STRING, reasoning_content STRING>,
        finish_reason STRING>>,
    finish_reason STRING,
    `usage` ROW<
        prompt_tokens BIGINT,
        completion_tokens BIGINT,
        prompt_tokens_details ROW<cached_tokens BIGINT>,
        completion_tokens_details ROW<reasoning_tokens BIGINT>>,
    provenance ROW<
        model_hash STRING,
        seed BIGINT,
        ttft_ms DOUBLE,
        total_ms DOUBLE,
        resumed BIGINT,
        `source` STRING>
) WITH (
    'connector' = 'kafka',
    'topic' = 'llm.completions',
    'properties.bootstrap.servers' = 'localhost:9092',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'format' = 'json'
);

CREATE TABLE prompts (
    id STRING,
    messages ARRAY<ROW<`role` STRING, content STRING>>
) WITH (
    'connector' = 'kafka',
    'topic' = 'llm.prompts',
    'properties.bootstrap.servers' = 'localhost:9092',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'format' = 'json'
);

-- How answers ended, and what they took.
SELECT
    model,
    finish_reason,
    COUNT(*) AS answers,
    SUM(c.`usage`.prompt_tokens) AS prompt_tokens,
    SUM(c.`usage`.completion_tokens) AS completion_tokens,
    SUM(c.`usage`.completion_tokens_details.reasoning_tokens) AS reasoning_tokens,
    MAX(c.provenance.ttft_ms) AS slowest_first_token_ms
FROM completions AS c
GROUP BY model, finish_reason;

-- Question and answer side by side: the last message of the prompt, and each choice.
SELECT
    c.id,
    p.messages[CARDINALITY(p.messages)].content AS question,
    a.message.content AS answer,
    a.finish_reason
FROM completions AS c
JOIN prompts AS p ON p.id = c.id
CROSS JOIN UNNEST(c.choices) AS a (message, finish_reason);
