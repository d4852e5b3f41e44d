// A sample's loss against a smoothed label, or two (mixup) or weighted by class, and its gradient by the logits.
// Samples are labels, second labels, and the first label's shares, each so many apart; results are losses, and 1 where
// the largest logit is the label's.
__kernel void loss(
    const int batch, const int classes, const int most, const float smoothing, __global const int *samples,
    __global const float *classWeights, IN(logits), OUT(gradient), __global double *results)
{
    const int n = get_global_id(0);
    if (n >= batch)
        return;
    __global const float *row = AT(logits) + (size_t)n * classes;
    __global float *g = AT(gradient) + (size_t)n * classes;
    const float share = as_float(samples[2 * most + n]);
    const int label = samples[n], second = share == 1.0f ? label : samples[most + n];
    int best = 0;
    for (int c = 1; c < classes; c++)
        if (row[c] > row[best] || (isnan(row[c]) && !isnan(row[best])))
            best = c;
    const double uniform = (double)smoothing / classes, first = share;
    double sum = 0, all = 0, loss = 0;
    for (int c = 0; c < classes; c++)
    {
        g[c] = exp(row[c] - row[best]);
        sum += g[c];
#if WEIGHTED
        all += classWeights[c] * (uniform + (c == label ? 1.0 - smoothing : 0.0));
#endif
    }
    const double logSum = log(sum);
    for (int c = 0; c < classes; c++)
    {
#if WEIGHTED
        const double target = classWeights[c] * (uniform + (c == label ? 1.0 - smoothing : 0.0));
        const double probability = g[c] / sum * all;
#else
        const double target = uniform + (c == label ? (1.0 - smoothing) * first : 0.0)
            + (c == second ? (1.0 - smoothing) * (1.0 - first) : 0.0);
        const double probability = g[c] / sum;
#endif
        if (target != 0)
            loss += target * (logSum - ((double)row[c] - row[best]));
        g[c] = (float)(probability - target);
    }
    results[n] = loss;
    results[most + n] = best == (share >= 0.5f ? label : second) ? 1 : 0;
}
