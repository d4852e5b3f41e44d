// Sums of a gradient's pixels, a chunk of rows at a time; with RELU it is first masked in place by the output.
__kernel void bias_gradient(
    const int count, const int channels, const int pixels, const int rows, OUT(gradient), const int gradientPitch,
    IN(output), const int outPitch, __global double *partials)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels, chunk = i / channels, last = min(pixels, (chunk + 1) * rows);
    double sum = 0;
    for (int pixel = chunk * rows; pixel < last; pixel++)
    {
        __global float *d = AT(gradient) + (size_t)pixel * gradientPitch + c;
#if RELU
        if (!(AT(output)[(size_t)pixel * outPitch + c] > 0.0f))
            *d = 0.0f;
#endif
        sum += *d;
    }
    partials[i] = sum;
}
