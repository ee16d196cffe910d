package io.millrace.kernels;

import java.util.ArrayList;
import java.util.List;

/** The shapes that every back end is tested with: none, one, around a tile, ragged, all tokens to one expert; fixed seeds. */
public final class Cases {
    private Cases() {}

    /** All cases. */
    public static List<OpCase> all() {
        List<OpCase> cases = new ArrayList<>();
        addProducts(cases);
        addDense(cases);
        for (int rows : new int[] {0, 1, 5, 64}) {
            for (int dim : new int[] {1, 15, 16, 17, 96, 192, 1000}) {
                cases.add(new NormCase(rows, dim, false));
                cases.add(new NormCase(rows, dim, true));
            }
            for (int dim : new int[] {1, 64, 100, 128, 130}) {
                cases.add(new SiluCase(rows, dim));
            }
        }
        addRouting(cases);
        addAttention(cases);
        return cases;
    }

    private static void addProducts(List<OpCase> cases) {
        int[][] parts = {{1}, {63}, {64}, {65}, {128}, {129}, {192}, {96, 160}, {64, 64, 200}};
        int[] k = {1, 64, 96, 127, 128, 129, 192, 300};
        for (int i = 0; i < parts.length; i++) {
            for (int rows : new int[] {0, 1, 2, 3, 4, 5, 7}) {
                cases.add(new GemmCase(rows, k[(i + rows) % k.length], 0, parts[i]));
            }
        }
        for (int rows : new int[] {63, 64, 65, 130}) {
            cases.add(new GemmCase(rows, 192, 0, 100, 28));
            cases.add(new GemmCase(rows, 96, 4, 64));
        }
        for (int rows : new int[] {0, 1, 3, 5, 8, 65}) { // multiples of 5: all to the last expert
            cases.add(new GemmCase(rows, 192, 7, 64, 64));
            cases.add(new GemmCase(rows, 130, 3, 70));
        }
    }

    private static void addDense(List<OpCase> cases) {
        for (DType dtype : new DType[] {DType.BF16, DType.F32}) {
            for (int rows : new int[] {0, 1, 2, 3, 4, 65}) {
                cases.add(new DenseCase(dtype, rows, 0, 16, 192));
                cases.add(new DenseCase(dtype, rows, 0, 130, 65));
                cases.add(new DenseCase(dtype, rows, 0, 64, 1));
            }
        }
        for (int rows : new int[] {0, 1, 5, 64}) {
            cases.add(new DenseCase(DType.F32, rows, 4, 64, 32));
            cases.add(new DenseCase(DType.F32, rows, 3, 33, 130));
        }
    }

    private static void addRouting(List<OpCase> cases) {
        for (int rows : new int[] {0, 1, 64, 200}) {
            cases.add(new RouteCase(rows, new RouterSpec(16, 4, 4, 2, true, true, 2.5f)));
            cases.add(new RouteCase(rows, new RouterSpec(64, 6, 1, 1, false, false, 1f)));
            cases.add(new RouteCase(rows, new RouterSpec(8, 8, 8, 8, true, false, 1.5f)));
            cases.add(new RouteCase(rows, new RouterSpec(12, 1, 3, 1, true, true, 1f)));
        }
    }

    private static void addAttention(List<OpCase> cases) {
        cases.add(new AttentionCase(4, 64, 32, 64, new int[] {1, 63, 64, 65, 130}, new int[] {1, 2, 1, 65, 1}));
        cases.add(new AttentionCase(3, 20, 12, 16, new int[] {511, 512, 513, 1100, 17}, new int[] {1, 1, 3, 2, 17}));
        cases.add(new AttentionCase(17, 48, 2, 64, new int[] {600}, new int[] {2}));
        cases.add(new AttentionCase(1, 16, 16, 64, new int[] {}, new int[] {}));
    }
}
