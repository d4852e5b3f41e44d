// output[c] = input[c] scale[c]^-beta, scale[c] = k + alpha / size sum of input[j]^2, j from c - size / 2 to
// c + (size - 1) / 2.
inline float scale_of(__global const float *x, int c, int channels, int size, float factor, float k)
{
    float sum = 0.0f;
    for (int j = max(0, c - size / 2); j <= min(channels - 1, c + (size - 1) / 2); j++)
        sum = fma(x[j], x[j], sum);
    return fma(factor, sum, k);
}

// scale^-beta; the usual 0.75 is two square roots.
inline float power(float scale, float beta)
{
    if (beta != 0.75f)
        return (float)exp(-(double)beta * log((double)scale));
    const float root = sqrt(scale);
    return 1.0f / (root * sqrt(root));
}

__kernel void forward(
    const int count, const int channels, const int size, const float factor, const float beta, const float k,
    IN(input), const int inPitch, OUT(output), const int outPitch)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels;
    __global const float *x = AT(input) + (size_t)(i / channels) * inPitch;
    AT(output)[(size_t)(i / channels) * outPitch + c] =
        x[c] * power(scale_of(x, c, channels, size, factor, k), beta);
}

// terms[c] = outputGradient[c] input[c] scale[c]^(-beta - 1)
__kernel void terms(
    const int count, const int channels, const int size, const float factor, const float beta, const float k,
    IN(input), const int inPitch, IN(outputGradient), const int outPitch, __global float *terms)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels;
    __global const float *x = AT(input) + (size_t)(i / channels) * inPitch;
    const float scale = scale_of(x, c, channels, size, factor, k);
    terms[i] = AT(outputGradient)[(size_t)(i / channels) * outPitch + c] * x[c] * power(scale, beta) / scale;
}

__kernel void backward(
    const int count, const int channels, const int size, const float factor, const float beta, const float k,
    IN(input), const int inPitch, IN(outputGradient), const int outPitch, __global const float *terms,
    OUT(inputGradient), const int gradientPitch)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels;
    __global const float *x = AT(input) + (size_t)(i / channels) * inPitch, *row = terms + i - c;
    float sum = 0.0f;
    for (int j = max(0, c - (size - 1) / 2); j <= min(channels - 1, c + size / 2); j++)
        sum += row[j];
    const float d = AT(outputGradient)[(size_t)(i / channels) * outPitch + c];
    const float gradient =
        fma(-2.0f * factor * beta * x[c], sum, d * power(scale_of(x, c, channels, size, factor, k), beta));
    __global float *target = AT(inputGradient) + (size_t)(i / channels) * gradientPitch + c;
#if ACCUMULATE
    *target += gradient;
#else
    *target = gradient;
#endif
}
