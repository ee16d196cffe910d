package io.millrace.kernels;

import java.util.ArrayList;
import java.util.List;

/** The shapes that every back end is tested with: none, one, around a tile, ragged, all tokens to one expert; fixed seeds. */
public final class Cases {
    private Cases() {}

    /** All cases; attention on cuda has kernels of two widths only. */
    public static List<OpCase> all(Numerics numerics) {
        List<OpCase> cases = new ArrayList<>();
        addProducts(cases, numerics, LinearFormat.E4M3);
        addProducts(cases, numerics, LinearFormat.BF16);
        for (int rows : new int[] {1, 5, 65}) {
            cases.add(new GemmCase(LinearFormat.E4M3_UE8M0, numerics, rows, 300, 0, 96, 160));
            cases.add(new GemmCase(LinearFormat.E4M3_UE8M0, numerics, rows, 192, 7, 64, 64));
        }
        addDense(cases, numerics);
        for (int rows : new int[] {0, 1, 5, 64}) {
            for (int dim : new int[] {1, 15, 16, 17, 96, 192, 1000}) {
                cases.add(new NormCase(rows, dim, false));
                cases.add(new NormCase(rows, dim, true));
            }
            for (int dim : new int[] {1, 64, 100, 128, 130}) {
                cases.add(new SiluCase(numerics, rows, dim));
            }
        }
        addRouting(cases);
        if (numerics == Numerics.CPU) {
            addAttention(cases);
        } else {
            addAttentionOfShippedWidths(cases, numerics);
        }
        return cases;
    }

    private static void addProducts(List<OpCase> cases, Numerics numerics, LinearFormat format) {
        int[][] parts = {{1}, {63}, {64}, {65}, {128}, {129}, {192}, {96, 160}, {64, 64, 200}};
        int[] k = {1, 64, 96, 127, 128, 129, 192, 300};
        for (int i = 0; i < parts.length; i++) {
            for (int rows : new int[] {0, 1, 2, 3, 4, 5, 7}) {
                cases.add(new GemmCase(format, numerics, rows, k[(i + rows) % k.length], 0, parts[i]));
            }
        }
        for (int rows : new int[] {63, 64, 65, 130}) {
            cases.add(new GemmCase(format, numerics, rows, 192, 0, 100, 28));
            cases.add(new GemmCase(format, numerics, rows, 96, 4, 64));
        }
        for (int rows : new int[] {0, 1, 3, 5, 8, 65}) { // multiples of 5: all to the last expert
            cases.add(new GemmCase(format, numerics, rows, 192, 7, 64, 64));
            cases.add(new GemmCase(format, numerics, rows, 130, 3, 70));
        }
    }

    private static void addDense(List<OpCase> cases, Numerics numerics) {
        for (DType dtype : new DType[] {DType.BF16, DType.F32}) {
            for (int rows : new int[] {0, 1, 2, 3, 4, 65}) {
                cases.add(new DenseCase(numerics, dtype, rows, 0, 16, 192));
                cases.add(new DenseCase(numerics, dtype, rows, 0, 130, 65));
                cases.add(new DenseCase(numerics, dtype, rows, 0, 64, 1));
            }
        }
        for (int rows : new int[] {0, 1, 5, 64}) {
            cases.add(new DenseCase(numerics, DType.F32, rows, 4, 64, 32));
            cases.add(new DenseCase(numerics, DType.F32, rows, 3, 33, 130));
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
        cases.add(new AttentionCase(
                Numerics.CPU, 4, 64, 32, 64, new int[] {1, 63, 64, 65, 130}, new int[] {1, 2, 1, 65, 1}));
        cases.add(new AttentionCase(
                Numerics.CPU, 3, 20, 12, 16, new int[] {511, 512, 513, 1100, 17}, new int[] {1, 1, 3, 2, 17}));
        cases.add(new AttentionCase(Numerics.CPU, 17, 48, 2, 64, new int[] {600}, new int[] {2}));
        // one row cut among threads; several
        cases.add(new AttentionCase(Numerics.CPU, 8, 80, 20, 64, new int[] {1900}, new int[] {1}));
        cases.add(new AttentionCase(Numerics.CPU, 13, 64, 16, 64, new int[] {1100, 701, 9}, new int[] {2, 1, 1}));
        cases.add(new AttentionCase(Numerics.CPU, 1, 16, 16, 64, new int[] {}, new int[] {}));
    }

    /** tiny-r1's 64 + 32 and R1's 512 + 64; one R1 rank of eight has 16 heads, a whole one 128. */
    private static void addAttentionOfShippedWidths(List<OpCase> cases, Numerics numerics) {
        int[] contexts = {1, 63, 64, 65, 130};
        int[] queryRows = {1, 2, 1, 65, 1};
        cases.add(new AttentionCase(numerics, 4, 64, 32, 64, contexts, queryRows));
        contexts = new int[] {511, 512, 513, 1100, 17};
        queryRows = new int[] {1, 1, 3, 2, 17};
        cases.add(new AttentionCase(numerics, 3, 64, 32, 16, contexts, queryRows));
        cases.add(new AttentionCase(numerics, 17, 64, 32, 64, new int[] {600}, new int[] {2}));
        cases.add(new AttentionCase(numerics, 1, 64, 32, 64, new int[] {}, new int[] {}));
        cases.add(new AttentionCase(numerics, 16, 512, 64, 64, new int[] {1, 600, 70}, new int[] {1, 2, 5}));
        cases.add(new AttentionCase(numerics, 128, 512, 64, 64, new int[] {65, 514}, new int[] {2, 1}));
        cases.add(new AttentionCase(numerics, 1, 512, 64, 64, new int[] {}, new int[] {}));
    }
}
