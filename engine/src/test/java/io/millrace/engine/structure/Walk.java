package io.millrace.engine.structure;

import io.millrace.engine.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Plays a model that knows nothing: draws among the allowed tokens, a little eager to come to an end. */
final class Walk {
    static final Tokenizer TOKENIZER = Tokenizer.load(Path.of("..", "models", "tiny-r1", "tokenizer.json"));
    static final TokenTrie TRIE = new TokenTrie(TOKENIZER);
    static final int END = 1;

    private static final int EAGER_AFTER = 400;
    private static final int MAX_TOKENS = 20_000;

    private Walk() {}

    /** Returns an answer that ended by itself. */
    static String answer(CompiledStructure structure, SplittableRandom random) {
        GrammarMask mask = structure.newMask(new int[] {END}, false, false);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int n = 0; n < MAX_TOKENS; n++) {
            GrammarMask.Allowed allowed = mask.allowed(mask.place());
            int token = draw(allowed.bits(), random, n > EAGER_AFTER);
            if (token == END) {
                return out.toString(StandardCharsets.UTF_8);
            }
            out.writeBytes(TOKENIZER.tokenBytes(token));
            mask.accept(token);
        }
        throw new AssertionError("no end after " + MAX_TOKENS + " tokens: " + out.toString(StandardCharsets.UTF_8));
    }

    private static int draw(long[] bits, SplittableRandom random, boolean isEager) {
        List<Integer> all = new ArrayList<>();
        List<Integer> plain = new ArrayList<>();
        List<Integer> closing = new ArrayList<>();
        for (int id = 0; id < TOKENIZER.numTokens(); id++) {
            if (((bits[id >> 6] >> id) & 1) != 0) {
                all.add(id);
                String text = new String(TOKENIZER.tokenBytes(id), StandardCharsets.ISO_8859_1);
                if (id == END || (text.length() == 1 && "\"]}".contains(text))) {
                    closing.add(id);
                } else if (text.length() == 1 && text.charAt(0) < 0x80) {
                    plain.add(id);
                }
            }
        }
        if (all.isEmpty()) {
            throw new AssertionError("nothing is allowed");
        }
        List<Integer> from = all;
        if (!closing.isEmpty() && random.nextInt(10) < (isEager ? 6 : 2)) {
            from = closing;
        } else if (isEager && !plain.isEmpty()) {
            from = plain;
        }
        return isEager && all.contains(END) ? END : from.get(random.nextInt(from.size()));
    }

    /** Returns whether the grammar matches the whole text. */
    static boolean matches(Grammar grammar, String text) {
        Automaton automaton = new Automaton(grammar, TRIE);
        Automaton.State state = automaton.start(GrammarCache.ROOT);
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            state = automaton.next(state, b & 0xFF);
        }
        return state.isAccepting();
    }
}
