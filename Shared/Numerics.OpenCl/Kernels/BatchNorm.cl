// Batch norm over pixels, in chunks of so many rows whose sums, in double, are added in order. Statistics are [count],
// [means], [sums of squares]; coefficients [scale], [shift], [mean], [1 / deviation] of every channel.
inline void coefficients_of(
    int c, int channels, double mean, double variance, float weight, float bias, __global float *coefficients)
{
    const double inverse = 1.0 / sqrt(variance), scale = weight * inverse;
    coefficients[c] = (float)scale;
    coefficients[channels + c] = (float)(bias - mean * scale);
    coefficients[2 * channels + c] = (float)mean;
    coefficients[3 * channels + c] = (float)inverse;
}

__kernel void sums(
    const int count, const int channels, const int pixels, const int rows, IN(input), const int pitch,
    __global double *partials)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels, chunk = i / channels, last = min(pixels, (chunk + 1) * rows);
    double sum = 0, squares = 0;
    for (int pixel = chunk * rows; pixel < last; pixel++)
    {
        const double x = AT(input)[(size_t)pixel * pitch + c];
        sum += x;
        squares = fma(x, x, squares);
    }
    partials[(size_t)chunk * 2 * channels + c] = sum;
    partials[((size_t)chunk * 2 + 1) * channels + c] = squares;
}

__kernel void statistics(
    const int channels, const int chunks, const int pixels, const double epsilon, __global const double *partials,
    IN(weight), IN(bias), OUT(statistics), OUT(coefficients))
{
    const int c = get_global_id(0);
    if (c >= channels)
        return;
    double sum = 0, squares = 0;
    for (int chunk = 0; chunk < chunks; chunk++)
    {
        sum += partials[(size_t)chunk * 2 * channels + c];
        squares += partials[((size_t)chunk * 2 + 1) * channels + c];
    }
    __global double *all = (__global double *)AT(statistics);
    const double mean = sum / pixels, deviation = squares - sum * mean;
    // Rounding may leave it a little below 0. NaN stays.
    const double square = deviation < 0 ? 0 : deviation;
    if (c == 0)
        all[0] = pixels;
    all[1 + c] = mean;
    all[1 + channels + c] = square;
    coefficients_of(c, channels, mean, square / pixels + epsilon, AT(weight)[c], AT(bias)[c], AT(coefficients));
}

__kernel void running(
    const int channels, const double epsilon, IN(mean), IN(variance), IN(weight), IN(bias), OUT(coefficients))
{
    const int c = get_global_id(0);
    if (c < channels)
        coefficients_of(
            c, channels, AT(mean)[c], AT(variance)[c] + epsilon, AT(weight)[c], AT(bias)[c], AT(coefficients));
}

// output = relu?(fma(input, scale, shift) + shortcut?)
__kernel void forward(
    const int count, const int channels, IN(input), const int inPitch, IN(coefficients), IN(shortcut), OUT(output),
    const int outPitch)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels, pixel = i / channels;
    float value =
        fma(AT(input)[(size_t)pixel * inPitch + c], AT(coefficients)[c], AT(coefficients)[channels + c]);
#if SHORTCUT
    value += AT(shortcut)[i];
#endif
#if RELU
    value = relu(value);
#endif
    AT(output)[(size_t)pixel * outPitch + c] = value;
}

// The output's gradient behind the mask of a ReLU: by the output where it is kept, else by computing it again.
inline float masked(
    float d, float x, float scale, float shift, __global const float *output)
{
#if RELU && SHORTCUT
    return *output > 0.0f ? d : 0.0f;
#elif RELU
    return fma(x, scale, shift) > 0.0f ? d : 0.0f;
#else
    return d;
#endif
}

// Sums of d and d (x - mean); a gradient that is masked by the output is masked in place.
__kernel void backward_sums(
    const int count, const int channels, const int pixels, const int rows, IN(input), const int inPitch,
    IN(coefficients), IN(output), const int outPitch, OUT(outputGradient), const int gradientPitch,
    __global double *partials)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels, chunk = i / channels, last = min(pixels, (chunk + 1) * rows);
    const float scale = AT(coefficients)[c], shift = AT(coefficients)[channels + c];
    const float mean = AT(coefficients)[2 * channels + c];
    double sum = 0, dot = 0;
    for (int pixel = chunk * rows; pixel < last; pixel++)
    {
        __global float *gradient = AT(outputGradient) + (size_t)pixel * gradientPitch + c;
        const float x = AT(input)[(size_t)pixel * inPitch + c];
        const float d = masked(*gradient, x, scale, shift, AT(output) + (size_t)pixel * outPitch + c);
#if RELU && SHORTCUT
        *gradient = d;
#endif
        sum += d;
        dot = fma((double)d, (double)(x - mean), dot);
    }
    partials[(size_t)chunk * 2 * channels + c] = sum;
    partials[((size_t)chunk * 2 + 1) * channels + c] = dot;
}

// The gradients of weight and bias, and the factors of dx = fma(a, d, fma(b, x - mean, constant)), behind the partials.
__kernel void backward_finish(
    const int channels, const int chunks, const int pixels, __global double *partials, IN(coefficients), IN(weight),
    OUT(weightGradient), OUT(biasGradient))
{
    const int c = get_global_id(0);
    if (c >= channels)
        return;
    double sum = 0, dot = 0;
    for (int chunk = 0; chunk < chunks; chunk++)
    {
        sum += partials[(size_t)chunk * 2 * channels + c];
        dot += partials[((size_t)chunk * 2 + 1) * channels + c];
    }
    const double inverse = AT(coefficients)[3 * channels + c], scale = AT(weight)[c] * inverse;
    AT(biasGradient)[c] = (float)sum;
    AT(weightGradient)[c] = (float)(dot * inverse);
    __global float *factors = (__global float *)(partials + (size_t)chunks * 2 * channels);
    factors[c] = (float)scale;
    factors[channels + c] = (float)(-scale * inverse * inverse * dot / pixels);
    factors[2 * channels + c] = (float)(-scale * sum / pixels);
}

__kernel void backward_data(
    const int count, const int channels, const int chunks, __global const double *partials, IN(input),
    const int inPitch, IN(coefficients), IN(outputGradient), const int gradientPitch, OUT(inputGradient),
    const int inputGradientPitch)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    __global const float *factors = (__global const float *)(partials + (size_t)chunks * 2 * channels);
    const int c = i % channels, pixel = i / channels;
    const float x = AT(input)[(size_t)pixel * inPitch + c];
    float d = AT(outputGradient)[(size_t)pixel * gradientPitch + c];
#if RELU && !SHORTCUT
    d = masked(d, x, AT(coefficients)[c], AT(coefficients)[channels + c], 0);
#endif
    const float apart = x - AT(coefficients)[2 * channels + c];
    d = fma(factors[c], d, fma(factors[channels + c], apart, factors[2 * channels + c]));
    __global float *target = AT(inputGradient) + (size_t)pixel * inputGradientPitch + c;
#if ACCUMULATE
    *target += d;
#else
    *target = d;
#endif
}
