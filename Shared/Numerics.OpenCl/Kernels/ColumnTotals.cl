// totals[i] = sum over chunks, ascending and in double, of partials[chunk][i].
// FUNCTION says whether these are double.
#if FUNCTION
typedef double Partial;
#else
typedef float Partial;
#endif

__kernel void column_totals(const int count, const int chunks, __global const Partial *partials, OUT(totals))
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    double sum = 0;
    for (int chunk = 0; chunk < chunks; chunk++)
        sum += partials[(size_t)chunk * count + i];
    AT(totals)[i] = (float)sum;
}
