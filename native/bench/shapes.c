/* Shapes of real layers, from small maps with many channels to large ones with few. */
#include "bench.h"

const gemm_shape gemm_shapes[] = {
    {"mobilenet_v2 stem", 12544, 27, 32},
    {"mobilenet_v2 expand 1", 12544, 16, 96},
    {"mobilenet_v2 project 2", 3136, 144, 24},
    {"mobilenet_v2 expand 4", 196, 64, 384},
    {"mobilenet_v2 project 4", 196, 384, 64},
    {"mobilenet_v2 last", 49, 320, 1280},
    {"resnet18 3x3 64", 3136, 576, 64},
    {"resnet18 3x3 128", 784, 1152, 128},
    {"resnet18 3x3 256", 196, 2304, 256},
    {"resnet18 3x3 512", 49, 4608, 512},
    {"resnet50 expand", 784, 128, 512},
    {"resnet50 reduce", 196, 1024, 256},
    {"minilm ffn", 128, 384, 1536},
    {"minilm out", 128, 1536, 384},
    {"classifier", 1, 1280, 1000},
    {"resnet8 3x3 16", 1024, 144, 16},
    {"dscnn 1x1", 125, 64, 64},
};
const int32_t gemm_shape_count = sizeof gemm_shapes / sizeof gemm_shapes[0];

const dwconv_shape dwconv_shapes[] = {
    {"mobilenet_v2 1", 32, 112, 3, 1},   {"mobilenet_v2 2", 96, 56, 3, 2},
    {"mobilenet_v2 3", 144, 56, 3, 1},   {"mobilenet_v2 8", 384, 14, 3, 1},
    {"mobilenet_v2 15", 960, 7, 3, 1},   {"effnet_lite0 5x5 s2", 144, 28, 5, 2},
    {"effnet_lite0 5x5", 672, 14, 5, 1}, {"dscnn", 64, 5, 3, 1},
};
const int32_t dwconv_shape_count = sizeof dwconv_shapes / sizeof dwconv_shapes[0];
