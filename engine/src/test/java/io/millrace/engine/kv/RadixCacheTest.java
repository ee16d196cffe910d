package io.millrace.engine.kv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RadixCacheTest {
    private static final int PAGE = 4;

    @Test
    void keysAreTheChainedSha256OfLittleEndianIds() {
        int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8};
        PageKey first = PageKey.of(new byte[32], tokens, 0, 4);
        PageKey second = PageKey.of(first.bytes(), tokens, 4, 4);
        assertThat(HexFormat.of().formatHex(first.bytes()))
                .isEqualTo("d8faa8ec8c0500567ca87b56e4bb666d69cb512e638103891defea24e88cbc92");
        assertThat(HexFormat.of().formatHex(second.bytes()))
                .isEqualTo("d1637bc3762f67abb1ac6b35e87c7ddaee8d04b0c3879d2d3afb2f6dc3f6a56a");
    }

    /** A sequence as the scheduler handles it, over a pool whose memory holds for each slot all tokens that led to it. */
    private static final class Live {
        final int[] tokens;
        final List<PageKey> keys = new ArrayList<>();
        final BlockTable table;
        int numComputed;

        Live(int[] tokens, KvPool pool) {
            this.tokens = tokens;
            table = new BlockTable(pool);
        }

        String prefix(int position) {
            return Arrays.toString(Arrays.copyOf(tokens, position + 1));
        }
    }

    @Test
    void findsFullPagesOnlyAndLeavesTheLastTokenOut() {
        KvPool pool = new KvPool(10, PAGE);
        RadixCache cache = new RadixCache(pool, new byte[32]);
        int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        Live first = new Live(tokens, pool);
        first.table.growTo(9);
        cache.offer(tokens, 3, null, first.keys, first.table);
        assertThat(share(cache, pool, tokens, 9)).isZero();
        cache.offer(tokens, 9, null, first.keys, first.table);
        assertThat(share(cache, pool, tokens, 9)).isEqualTo(8);
        assertThat(share(cache, pool, tokens, 8)).isEqualTo(4);
        assertThat(share(cache, pool, new int[] {1, 2, 3, 4, 0, 6, 7, 8, 9}, 9)).isEqualTo(4);
        assertThat(share(cache, pool, new int[] {0, 2, 3, 4, 5, 6, 7, 8, 9}, 9)).isZero();
        first.table.releaseAll();
        cache.check();
        pool.check(List.of());
        assertThat(pool.numFree()).isEqualTo(8);
        assertThat(share(cache, pool, tokens, 9)).isEqualTo(8);
    }

    private static int share(RadixCache cache, KvPool pool, int[] tokens, int numTokens) {
        BlockTable table = new BlockTable(pool);
        int hit = cache.share(tokens, numTokens, null, new ArrayList<>(), table);
        table.releaseAll();
        return hit;
    }

    @Test
    void anotherSaltFindsNothing() {
        int[] tokens = {1, 2, 3, 4, 5};
        assertThat(PageKey.of(new byte[] {1}, tokens, 0, 4)).isNotEqualTo(PageKey.of(new byte[] {2}, tokens, 0, 4));
    }

    @Test
    void whoComputedTheSameTwiceChangesToTheCachedPage() {
        KvPool pool = new KvPool(4, PAGE);
        RadixCache cache = new RadixCache(pool, new byte[32]);
        int[] tokens = {1, 2, 3, 4, 5};
        Live a = new Live(tokens, pool);
        Live b = new Live(tokens, pool);
        a.table.growTo(5);
        b.table.growTo(5);
        cache.offer(tokens, 5, null, a.keys, a.table);
        cache.offer(tokens, 5, null, b.keys, b.table);
        assertThat(b.table.page(0)).isEqualTo(a.table.page(0));
        assertThat(b.table.page(1)).isNotEqualTo(a.table.page(1));
        pool.check(List.of(a.table, b.table));
        assertThat(pool.numFree()).isEqualTo(1);
    }

    @Test
    void evictsAChainFromItsTail() {
        KvPool pool = new KvPool(3, PAGE);
        RadixCache cache = new RadixCache(pool, new byte[32]);
        int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
        Live chain = new Live(tokens, pool);
        chain.table.growTo(12);
        cache.offer(tokens, 12, null, chain.keys, chain.table);
        chain.table.releaseAll();
        for (int left = 8; left >= 0; left -= 4) {
            pool.take();
            cache.check();
            BlockTable held = new BlockTable(pool);
            assertThat(cache.share(tokens, 13, null, new ArrayList<>(), held)).isEqualTo(left);
            held.releaseAll();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void whatIsFoundIsWhatWasComputedForTheseVeryTokens(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        boolean isTight = seed % 3 != 0;
        KvPool pool = new KvPool(isTight ? 14 : 4000, PAGE);
        RadixCache cache = new RadixCache(pool, new byte[] {7});
        String[] memory = new String[pool.numPages() * PAGE];
        Set<String> offered = new HashSet<>();
        List<Live> live = new ArrayList<>();
        long hits = 0;
        for (int op = 0; op < 3000; op++) {
            int what = random.nextInt(4);
            if (what == 0 && live.size() < 4) {
                // Two letters: many sequences begin alike.
                Live s = new Live(random.ints(1 + random.nextInt(16), 0, 2).toArray(), pool);
                s.numComputed = cache.share(s.tokens, s.tokens.length, null, s.keys, s.table);
                hits += s.numComputed;
                assertThat(s.numComputed).isEqualTo(isTight ? s.numComputed : longest(offered, s));
                for (int i = 0; i < s.numComputed; i++) {
                    assertThat(memory[s.table.slot(i)]).isEqualTo(s.prefix(i));
                }
                if (pool.canTake(s.table.missingPages(s.tokens.length))) {
                    s.table.growTo(s.tokens.length);
                    live.add(s);
                } else {
                    s.table.releaseAll();
                }
            } else if (what < 3 && !live.isEmpty()) {
                compute(live.get(random.nextInt(live.size())), random, memory, cache, offered);
            } else if (!live.isEmpty()) {
                live.remove(random.nextInt(live.size())).table.releaseAll();
            }
            pool.check(live.stream().map(s -> s.table).toList());
            cache.check();
        }
        assertThat(hits).isGreaterThan(500);
    }

    private static void compute(
            Live s, SplittableRandom random, String[] memory, RadixCache cache, Set<String> offered) {
        int to = Math.min(s.tokens.length, s.numComputed + 1 + random.nextInt(6));
        for (int i = s.numComputed; i < to; i++) {
            memory[s.table.slot(i)] = s.prefix(i);
        }
        s.numComputed = to;
        cache.offer(s.tokens, to, null, s.keys, s.table);
        for (int i = 0; i < to; i++) {
            assertThat(memory[s.table.slot(i)]).isEqualTo(s.prefix(i));
        }
        for (int end = PAGE; end <= to; end += PAGE) {
            offered.add(s.prefix(end - 1));
        }
    }

    /** Tokens of the longest prefix of full pages that anybody ever offered, the last token left out. */
    private static int longest(Set<String> offered, Live s) {
        int hit = 0;
        while (hit + PAGE < s.tokens.length && offered.contains(s.prefix(hit + PAGE - 1))) {
            hit += PAGE;
        }
        return hit;
    }
}
