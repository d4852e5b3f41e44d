// C(m, n) = sum over k of A(m, k) B(k, n), for the operation that stands in front of this file. It defines ARGUMENTS,
// SIZES (declares M, N and K, the sizes, and FIRST and LAST, the range of k), the row of A that a work-item reads
// (Row, row_of), a_at(row, k), b_at(k, n) and STORE(m, n, value); A_ALONG_K and B_ALONG_N say along which index memory
// is contiguous. Each element accumulates over k in ascending order by fused multiply-add from +0, so its bits depend
// on no tile size.
//
// A work-group computes TILE_M x TILE_N elements, a work-item THREAD_M rows of one vector of WIDTH columns; TILE_K
// steps of A and B lie in local memory at a time.
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define VECTOR PASTE(float, WIDTH)
#define LOAD_VECTOR PASTE(vload, WIDTH)
#define STORE_VECTOR PASTE(vstore, WIDTH)
#define ITEMS_N (TILE_N / WIDTH)
#define ITEMS_M (TILE_M / THREAD_M)
#define ITEMS (ITEMS_N * ITEMS_M)
#define A_LOADS (TILE_M * TILE_K / ITEMS)
#define B_LOADS (TILE_N * TILE_K / ITEMS)

// Which element of a tile a work-item loads in a turn: neighbours take what lies side by side in memory.
#if A_ALONG_K
#define A_ROW(turn) ((item + (turn) * ITEMS) / TILE_K)
#define A_STEP(turn) ((item + (turn) * ITEMS) % TILE_K)
#else
#define A_ROW(turn) ((item + (turn) * ITEMS) % TILE_M)
#define A_STEP(turn) ((item + (turn) * ITEMS) / TILE_M)
#endif
#if B_ALONG_N
#define B_COLUMN(turn) ((item + (turn) * ITEMS) % TILE_N)
#define B_STEP(turn) ((item + (turn) * ITEMS) / TILE_N)
#else
#define B_COLUMN(turn) ((item + (turn) * ITEMS) / TILE_K)
#define B_STEP(turn) ((item + (turn) * ITEMS) % TILE_K)
#endif

__kernel __attribute__((reqd_work_group_size(ITEMS_N, ITEMS_M, 1)))
void gemm(ARGUMENTS)
{
    __local float a[TILE_K][TILE_M];
    __local float b[TILE_K][TILE_N];
    SIZES
    const int column = get_local_id(0), row = get_local_id(1), item = row * ITEMS_N + column;
    const int first_n = get_group_id(0) * TILE_N, first_m = get_group_id(1) * TILE_M;
    Row rows[A_LOADS];
    for (int turn = 0; turn < A_LOADS; turn++)
        rows[turn] = row_of(first_m + A_ROW(turn), M);
    VECTOR sums[THREAD_M];
    for (int i = 0; i < THREAD_M; i++)
        sums[i] = (VECTOR)(0.0f);
    for (int k = FIRST; k < LAST; k += TILE_K)
    {
        for (int turn = 0; turn < A_LOADS; turn++)
        {
            const int step = A_STEP(turn);
            a[step][A_ROW(turn)] = k + step < LAST ? a_at(A_ARGUMENTS, rows[turn], k + step) : 0.0f;
        }
        for (int turn = 0; turn < B_LOADS; turn++)
        {
            const int step = B_STEP(turn), n = first_n + B_COLUMN(turn);
            b[step][B_COLUMN(turn)] = k + step < LAST && n < N ? b_at(B_ARGUMENTS, k + step, n) : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        VECTOR tile[THREAD_M];
        #pragma unroll
        for (int i = 0; i < THREAD_M; i++)
            tile[i] = sums[i];
        for (int step = 0; step < TILE_K; step++)
        {
            const VECTOR right = LOAD_VECTOR(column, b[step]);
            #pragma unroll
            for (int i = 0; i < THREAD_M; i++)
                tile[i] = fma((VECTOR)(a[step][row * THREAD_M + i]), right, tile[i]);
        }
        #pragma unroll
        for (int i = 0; i < THREAD_M; i++)
            sums[i] = tile[i];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < THREAD_M; i++)
    {
        const int m = first_m + row * THREAD_M + i;
        float values[WIDTH];
        STORE_VECTOR(sums[i], 0, values);
        for (int j = 0; j < WIDTH; j++)
        {
            const int n = first_n + column * WIDTH + j;
            if (m < M && n < N)
                STORE(m, n, values[j]);
        }
    }
}
