// Each element is 0, or divided by 1 - p: by the Philox 4x32-10 numbers of its sample, four elements a block, as the
// CPU draws them. Forward with activations, backward with gradients.
inline uint4 philox(uint4 c, uint2 k)
{
    for (int round = 0; round < 10; round++)
    {
        const uint high0 = mul_hi(0xD2511F53u, c.x), low0 = 0xD2511F53u * c.x;
        const uint high1 = mul_hi(0xCD9E8D57u, c.z), low1 = 0xCD9E8D57u * c.z;
        c = (uint4)(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0);
        k += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

__kernel void dropout(
    const int count, const int length, const int channels, __global const int *samples, const int first,
    const uint key0, const uint key1, const uint epoch, const uint stream, const uint least, const float scale,
    IN(input), const int inPitch, OUT(output), const int outPitch)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int blocks = (length + 3) / 4, sample = i / blocks, block = i % blocks, pixels = length / channels;
    const uint4 words = philox((uint4)((uint)block, (uint)samples[first + sample], epoch, stream), (uint2)(key0, key1));
    const uint word[4] = { words.x, words.y, words.z, words.w };
    for (int j = 0; j < 4 && block * 4 + j < length; j++)
    {
        const int element = block * 4 + j, c = element % channels;
        const size_t pixel = (size_t)sample * pixels + element / channels;
        const float value = (word[j] >> 8) >= least ? AT(input)[pixel * inPitch + c] * scale : 0.0f;
#if ACCUMULATE
        AT(output)[pixel * outPitch + c] += value;
#else
        AT(output)[pixel * outPitch + c] = value;
#endif
    }
}
