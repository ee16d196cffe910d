package io.millrace.engine.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class KvPoolTest {
    @Test
    void takesTheLowestFreePageAndGetsItBack() {
        KvPool pool = new KvPool(3, 64);
        assertThat(pool.take()).isEqualTo(0);
        assertThat(pool.take()).isEqualTo(1);
        pool.release(0);
        assertThat(pool.numFree()).isEqualTo(2);
        assertThat(pool.take()).isEqualTo(0);
        assertThat(pool.take()).isEqualTo(2);
        assertThat(pool.canTake(1)).isFalse();
        assertThatIllegalStateException().isThrownBy(pool::take).withMessage("none of 3 pages is free");
    }

    @Test
    void refusesToReleaseWhatNobodyHolds() {
        KvPool pool = new KvPool(2, 64);
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.release(1))
                .withMessage("page 1 is released but nobody holds it");
    }

    @Test
    void tableMapsPositionsToSlotsAcrossScatteredPages() {
        KvPool pool = new KvPool(4, 4);
        BlockTable first = new BlockTable(pool);
        BlockTable second = new BlockTable(pool);
        first.growTo(4);
        second.growTo(1);
        first.growTo(5);
        assertThat(first.numPages()).isEqualTo(2);
        assertThat(first.slot(3)).isEqualTo(3);
        assertThat(first.slot(4)).isEqualTo(2 * 4);
        assertThat(second.slot(0)).isEqualTo(4);
        pool.check(List.of(first, second));
        first.releaseAll();
        pool.check(List.of(second));
        assertThat(pool.numFree()).isEqualTo(3);
    }

    @Test
    void checkFindsALeakedPage() {
        KvPool pool = new KvPool(2, 4);
        BlockTable leaked = new BlockTable(pool);
        leaked.growTo(1);
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.check(List.of()))
                .withMessage("page 0 is held by 0 block tables, counted 1 times, not cached, not idle, and not free");
    }

    @Test
    void aCachedPageIsIdleUntilThePoolNeedsItOldestFirst() {
        KvPool pool = new KvPool(3, 4);
        List<Integer> evicted = new ArrayList<>();
        pool.onEviction(evicted::add);
        BlockTable table = new BlockTable(pool);
        table.growTo(12);
        pool.keep(0);
        pool.keep(1);
        pool.check(List.of(table));
        table.releaseAll();
        pool.check(List.of());
        assertThat(pool.numFree()).isEqualTo(1);
        assertThat(pool.numAvailable()).isEqualTo(3);
        pool.share(0); // held again: now page 1 has been idle longest
        pool.release(0);
        assertThat(pool.take()).isEqualTo(2);
        assertThat(pool.take()).isEqualTo(1);
        assertThat(pool.take()).isZero();
        assertThat(evicted).containsExactly(1, 0);
        assertThatIllegalStateException().isThrownBy(pool::take).withMessage("none of 3 pages is free");
        pool.release(1);
        assertThat(pool.numFree()).isEqualTo(1); // not cached any more
    }

    @Test
    void refusesToShareOrCacheWhatNobodyHolds() {
        KvPool pool = new KvPool(2, 4);
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.share(1))
                .withMessage("page 1 is shared but neither held nor cached");
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.keep(1))
                .withMessage("page 1 is to be cached but is held by nobody");
    }

    @Test
    void budgetChoosesPagesAndRefusesLessThanOneContext() {
        // 64 tokens of 100 bytes a page; a context of 2,048 is 32 pages.
        assertThat(KvBudget.numPages(0, 100, 2048, 4, 1L << 40)).isEqualTo(128);
        assertThat(KvBudget.numPages(0, 100, 2048, 4, 4 * 6400 * 40)).isEqualTo(40);
        assertThat(KvBudget.numPages(6400 * 33 + 1, 100, 2048, 4, 1L << 40)).isEqualTo(33);
        assertThatThrownBy(() -> KvBudget.numPages(6400 * 31, 100, 2048, 4, 1L << 40))
                .isInstanceOf(ConfigException.class)
                .hasMessage("the KV pool of 198,400 bytes holds 1,984 tokens but max-model-len is 2,048:"
                        + " raise kv-cache-bytes to 204,800 or lower max-model-len");
    }
}
