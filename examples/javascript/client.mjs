// Publishes prompts to Millrace and reads the completions, each matched by its key.
//
//   npm install
//   node client.mjs --brokers localhost:9092 --count 1000
//
// Exits with 0 when every prompt was answered exactly once, with its key and headers.
import { Kafka, logLevel } from "kafkajs";
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";

const { values: args } = parseArgs({
    options: {
        brokers: { type: "string", default: "localhost:9092" },
        prompts: { type: "string", default: "llm.prompts" },
        completions: { type: "string", default: "llm.completions" },
        count: { type: "string", default: "10" },
        "timeout-seconds": { type: "string", default: "300" },
    },
});
const count = Number(args.count);
const run = randomUUID();
const kafka = new Kafka({ clientId: "millrace-example", brokers: args.brokers.split(","), logLevel: logLevel.ERROR });

/** The i-th prompt: the body of an OpenAI chat completion with an id. */
function prompt(i) {
    const [a, b] = [10 + (i % 90), 100 + ((7 * i) % 900)];
    return {
        key: `${run}-${i}`,
        sum: a + b,
        value: {
            id: `${run}-${i}`,
            messages: [{ role: "user", content: `What is ${a} + ${b}?` }],
            temperature: 0,
        },
    };
}

const sent = new Map(Array.from({ length: count }, (_, i) => prompt(i)).map((p) => [p.key, p]));
const answers = new Map();
let wrongHeaders = 0;
let doubled = 0;
let right = 0;

const consumer = kafka.consumer({ groupId: `example-${run}`, readUncommitted: false });
await consumer.connect();
await consumer.subscribe({ topic: args.completions, fromBeginning: true });
const all = new Promise((resolve, reject) => {
    const timer = setTimeout(
        () => reject(new Error(`${answers.size} of ${count} completions after ${args["timeout-seconds"]} s`)),
        1000 * Number(args["timeout-seconds"]),
    );
    consumer.on(consumer.events.CRASH, (e) => reject(e.payload.error));
    consumer.run({
        eachMessage: async ({ message }) => {
            const key = message.key?.toString();
            const question = sent.get(key);
            if (!question) {
                return; // somebody else's
            }
            const completion = JSON.parse(message.value.toString());
            doubled += answers.has(key) ? 1 : 0;
            wrongHeaders += message.headers["x-example"]?.toString() === key ? 0 : 1;
            right += completion.choices[0].message.content.includes(`\\boxed{${question.sum}}`) ? 1 : 0;
            answers.set(key, completion);
            if (answers.size === count) {
                clearTimeout(timer);
                resolve();
            }
        },
    });
});

const producer = kafka.producer();
await producer.connect();
await producer.send({
    topic: args.prompts,
    messages: [...sent.values()].map((p) => ({
        key: p.key,
        value: JSON.stringify(p.value),
        headers: { "x-example": p.key },
    })),
});
await producer.disconnect();

try {
    await all;
} finally {
    await consumer.disconnect();
}
const [first] = answers.values();
console.log(`${first.choices[0].message.reasoning_content}\n=> ${first.choices[0].message.content}`);
console.log(
    `${answers.size} of ${count} answered, ${doubled} twice, ${wrongHeaders} with wrong headers, ${right} right answers`,
);
process.exitCode = answers.size === count && doubled === 0 && wrongHeaders === 0 ? 0 : 1;
