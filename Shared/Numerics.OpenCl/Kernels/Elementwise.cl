// Pixels taken at one pitch and put, or added, at another.
__kernel void copy(const int count, const int channels, IN(input), const int inPitch, OUT(output), const int outPitch)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const float value = AT(input)[(size_t)(i / channels) * inPitch + i % channels];
#if ACCUMULATE
    AT(output)[(size_t)(i / channels) * outPitch + i % channels] += value;
#else
    AT(output)[(size_t)(i / channels) * outPitch + i % channels] = value;
#endif
}

// output = relu?(left + right)
__kernel void sum(const int count, IN(left), IN(right), OUT(output))
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const float value = AT(left)[i] + AT(right)[i];
#if RELU
    AT(output)[i] = relu(value);
#else
    AT(output)[i] = value;
#endif
}
