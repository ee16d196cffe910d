package io.millrace.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What every back end's {@link Ops#route} does, on known answers. */
public interface RouterContract {
    /** The rank under test. */
    Rank rank();

    /** 16 experts in 4 groups. */
    float[] LOGITS = {0.2f, 1, -0.5f, 0.3f, 2, -3, -3, -3, 0.9f, 0.8f, -1, 0, 0.1f, 0.1f, 0.1f, 0.1f};

    private Routing route(float[] logits, float[] bias, RouterSpec spec) {
        Device device = rank().device();
        int rows = logits.length / spec.numExperts();
        Routing routing = RouteCase.allocate(device, rows, spec);
        Tensor tensor = Inputs.tensor(device, logits, rows, spec.numExperts());
        rank().ops().route(routing, tensor, Inputs.tensor(device, bias, bias.length), spec);
        rank().ops().listPairs(routing, 0);
        return routing;
    }

    @Test
    default void sigmoidWithGroupsAndBias() {
        float[] bias = new float[16];
        bias[3] = 0.30f;
        bias[9] = -0.10f;
        bias[12] = 0.05f;
        Routing routing = route(LOGITS, bias, new RouterSpec(16, 3, 4, 2, true, true, 2.5f));
        assertThat(Inputs.ints(rank().device(), routing.expertIds())).containsExactly(1, 3, 8);
        float[] weights = Inputs.floats(rank().device(), routing.weights());
        assertThat(weights).containsExactly(new float[] {0.90636807f, 0.71219513f, 0.88143680f}, within(3e-7f));
    }

    @Test
    default void softmaxWithoutNormalisation() {
        Routing routing = route(LOGITS, new float[16], new RouterSpec(16, 3, 1, 1, false, false, 1f));
        assertThat(Inputs.ints(rank().device(), routing.expertIds())).containsExactly(1, 4, 8);
        float[] weights = Inputs.floats(rank().device(), routing.weights());
        assertThat(weights).containsExactly(new float[] {0.11369664f, 0.30905951f, 0.10287697f}, within(1e-7f));
    }

    @Test
    default void equalsGoToLowerIdsAndLowerGroups() {
        Routing routing = route(new float[16], new float[16], new RouterSpec(16, 3, 4, 2, true, true, 1f));
        assertThat(Inputs.ints(rank().device(), routing.expertIds())).containsExactly(0, 1, 2);
    }

    @Test
    default void pairsAreInExpertOrderAndNanRowsHaveNone() {
        float[] logits = new float[4 * 4];
        float[] rows = {3, 2, 0, 0, 0, 0, Float.NaN, 0, 0, 2, 0, 3, 3, 0, 0, 2};
        System.arraycopy(rows, 0, logits, 0, rows.length);
        Routing routing = route(logits, new float[4], new RouterSpec(4, 2, 1, 1, true, true, 1f));
        Device device = rank().device();
        assertThat(Inputs.ints(device, routing.expertIds())).containsExactly(0, 1, -1, -1, 1, 3, 0, 3);
        assertThat(Inputs.ints(device, routing.offsets())).containsExactly(0, 2, 4, 4, 6);
        assertThat(Arrays.copyOf(Inputs.ints(device, routing.pairTokens()), 6)).containsExactly(0, 3, 0, 2, 2, 3);
        assertThat(Inputs.ints(device, routing.pairRows())).containsExactly(0, 2, -1, -1, 3, 4, 1, 5);
        assertThat(Arrays.copyOfRange(Inputs.floats(device, routing.weights()), 2, 4))
                .containsOnly(0f);
    }
}
