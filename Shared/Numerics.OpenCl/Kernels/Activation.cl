// A function of single values, and its derivative from the output (or, of gelu, from the input).
#define RELU_ 0
#define LEAKY_RELU_ 1
#define SIGMOID_ 2
#define TANH_ 3
#define GELU_ 4

inline float value_of(float x, float slope)
{
#if FUNCTION == RELU_
    return relu(x);
#elif FUNCTION == LEAKY_RELU_
    return x > 0.0f ? x : x * slope;
#elif FUNCTION == SIGMOID_
    return 1.0f / (1.0f + exp(-x));
#elif FUNCTION == TANH_
    return tanh(x);
#else
    return x * fma(erf(x * 0.707106781f), 0.5f, 0.5f);
#endif
}

inline float derivative(float v, float slope)
{
#if FUNCTION == RELU_
    return v > 0.0f ? 1.0f : 0.0f;
#elif FUNCTION == LEAKY_RELU_
    return v > 0.0f ? 1.0f : slope;
#elif FUNCTION == SIGMOID_
    return v * (1.0f - v);
#elif FUNCTION == TANH_
    return fma(-v, v, 1.0f);
#else
    return fma(v * 0.398942280f, exp(v * v * -0.5f), fma(erf(v * 0.707106781f), 0.5f, 0.5f));
#endif
}

__kernel void forward(
    const int count, const int channels, const float slope, IN(input), const int inPitch, OUT(output),
    const int outPitch)
{
    const int i = get_global_id(0);
    if (i < count)
        AT(output)[(size_t)(i / channels) * outPitch + i % channels] =
            value_of(AT(input)[(size_t)(i / channels) * inPitch + i % channels], slope);
}

__kernel void backward(
    const int count, const int channels, const float slope, IN(values), const int valuesPitch, IN(outputGradient),
    const int outPitch, OUT(inputGradient), const int inPitch)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % channels;
    const size_t pixel = i / channels;
    const float d =
        AT(outputGradient)[pixel * outPitch + c] * derivative(AT(values)[pixel * valuesPitch + c], slope);
#if ACCUMULATE
    AT(inputGradient)[pixel * inPitch + c] += d;
#else
    AT(inputGradient)[pixel * inPitch + c] = d;
#endif
}
