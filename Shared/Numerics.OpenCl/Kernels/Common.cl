// What every kernel stands behind. A tensor is a block and where it starts there, in floats.
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#pragma OPENCL FP_CONTRACT OFF

#define IN(name) __global const float *name##_block, const int name##_start
#define OUT(name) __global float *name##_block, const int name##_start
#define AT(name) (name##_block + name##_start)

// NaN stays, -0 becomes +0.
inline float relu(float x) { return x <= 0.0f ? 0.0f : x; }
