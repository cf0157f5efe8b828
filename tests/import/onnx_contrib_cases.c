/* SPDX-License-Identifier: MIT */
/*
 * onnx_contrib_cases.c - numbers that ONNX Runtime 1.31.1 gives for operators of com.microsoft and ai.onnx.ml, and for those of the standard
 * that its suite has no case of.
 */
#include "onnx_contrib.h"

#include <stddef.h>

const ContribCase contrib_cases[] = {
    {"qlinear-add",
     "opset 17; in a u8 2,4; w b f32 scalar = 0.05; w c u8 scalar = 120; in d u8 4; w e f32 "
     "scalar = 0.03; w f u8 scalar = 10; w g f32 scalar = 0.09; w h u8 scalar = 100; node "
     "com.microsoft:QLinearAdd a,b,c,d,e,f,g,h -> y; out y",
     {"175 196 25 246 67 211 151 103", "92 185 142 23"},
     "uint8 2x4",
     "158 201 91 174 98 209 161 95",
     1},
    {"qlinear-mul",
     "opset 17; in a u8 2,4; w b f32 scalar = 0.05; w c u8 scalar = 120; in d u8 2,1; w e f32 "
     "scalar = 0.03; w f u8 scalar = 10; w g f32 scalar = 0.2; w h u8 scalar = 100; node "
     "com.microsoft:QLinearMul a,b,c,d,e,f,g,h -> y; out y",
     {"72 89 110 42 218 136 167 230", "68 176"},
     "uint8 2x4",
     "79 87 96 66 222 120 159 237",
     1},
    {"qlinear-concat",
     "opset 17; w a f32 scalar = 0.1; w b u8 scalar = 128; in c u8 1,2; w d f32 scalar = 0.05; "
     "w e u8 scalar = 120; in f u8 1,3; w g f32 scalar = 0.2; w h u8 scalar = 130; node "
     "com.microsoft:QLinearConcat a,b,c,d,e,f,g,h -> y axis=1; out y",
     {"127 135", "172 0 75"},
     "uint8 1x5",
     "132 136 212 0 18",
     1},
    {"qlinear-sigmoid",
     "opset 17; in a u8 8; w b f32 scalar = 0.05; w c u8 scalar = 120; w d f32 scalar = "
     "0.00390625; w e u8 scalar = 0; node com.microsoft:QLinearSigmoid a,b,c,d,e -> y; out y",
     {"55 250 6 19 188 44 191 69"},
     "uint8 8",
     "10 255 1 2 248 6 249 19",
     1},
    {"qlinear-leaky-relu",
     "opset 17; in a u8 8; w b f32 scalar = 0.05; w c u8 scalar = 120; w d f32 scalar = 0.04; w "
     "e u8 scalar = 60; node com.microsoft:QLinearLeakyRelu a,b,c,d,e -> y alpha=0.1; out y",
     {"56 152 183 181 112 251 189 192"},
     "uint8 8",
     "52 100 139 136 59 224 146 150",
     1},
    {"qlinear-average-pool",
     "opset 17; in a u8 1,2,4,4; w b f32 scalar = 0.05; w c u8 scalar = 120; w d f32 scalar = "
     "0.05; w e u8 scalar = 120; node com.microsoft:QLinearAveragePool a,b,c,d,e -> y "
     "kernel_shape=[2,2] strides=[2,2]; out y",
     {"34 56 201 206 38 4 238 137 87 227 195 72 83 176 1 192 144 118 159 93 172 92 252 71 23 10 "
      "233 35 192 61 135 151"},
     "uint8 1x2x2x2",
     "33 196 143 115 132 144 72 138",
     1},
    {"qlinear-average-pool-nhwc",
     "opset 17; in a u8 1,4,4,2; w b f32 scalar = 0.05; w c u8 scalar = 120; w d f32 scalar = "
     "0.05; w e u8 scalar = 120; node com.microsoft:QLinearAveragePool a,b,c,d,e -> y "
     "kernel_shape=[2,2] strides=[2,2] channels_last=1; out y",
     {"92 247 224 149 100 163 225 67 123 219 225 19 155 4 19 33 123 30 185 229 73 221 209 127 "
      "159 130 83 178 146 21 119 67"},
     "uint8 1x2x2x2",
     "166 158 125 67 138 142 137 109",
     1},
    {"qlinear-global-average-pool",
     "opset 17; in a u8 1,2,3,3; w b f32 scalar = 0.05; w c u8 scalar = 120; w d f32 scalar = "
     "0.04; w e u8 scalar = 110; node com.microsoft:QLinearGlobalAveragePool a,b,c,d,e -> y; "
     "out y",
     {"203 186 47 16 12 93 107 233 137 76 67 110 142 124 20 53 252 143"},
     "uint8 1x2x1x1",
     "104 97",
     1},
    {"qlinear-global-average-pool-nhwc",
     "opset 17; in a u8 1,3,3,2; w b f32 scalar = 0.05; w c u8 scalar = 120; w d f32 scalar = "
     "0.04; w e u8 scalar = 110; node com.microsoft:QLinearGlobalAveragePool a,b,c,d,e -> y "
     "channels_last=1; out y",
     {"59 35 48 4 43 200 218 250 54 43 239 215 205 178 39 131 157 140"},
     "uint8 1x1x1x2",
     "108 126",
     1},
    {"qlinear-softmax",
     "opset 17; in a u8 2,4; w b f32 scalar = 0.02; w c u8 scalar = 120; w d f32 scalar = "
     "0.00390625; w e u8 scalar = 0; node com.microsoft:QLinearSoftmax a,b,c,d,e -> y axis=-1 "
     "opset=13; out y",
     {"204 79 29 136 54 166 117 198"},
     "uint8 2x4",
     "187 15 6 48 8 76 28 144",
     1},
    {"qlinear-where",
     "opset 17; in a bool 4; in b u8 4; w c f32 scalar = 0.05; w d u8 scalar = 120; in e u8 4; "
     "w f f32 scalar = 0.05; w g u8 scalar = 100; w h f32 scalar = 0.05; w i u8 scalar = 120; "
     "node com.microsoft:QLinearWhere a,b,c,d,e,f,g,h,i -> y; out y",
     {"1 0 1 0", "149 44 219 135", "209 234 239 197"},
     "uint8 4",
     "149 254 219 217",
     1},
    {"qgemm",
     "opset 17; in a u8 2,3; w b f32 scalar = 0.05; w c u8 scalar = 120; w d i8 3,4 = 104 92 54 "
     "47 37 73 -41 21 -124 91 -52 105; w e f32 scalar = 0.02; w f i8 scalar = 0; w g i32 4 = "
     "100 -200 50 7; w h f32 scalar = 0.1; w i u8 scalar = 128; node com.microsoft:QGemm "
     "a,b,c,d,e,f,g,h,i -> y alpha=1.0 transB=0; out y",
     {"5 79 49 182 76 105"},
     "uint8 2x4",
     "82 0 120 0 196 137 188 132",
     1},
    {"qgemm-float",
     "opset 17; in a u8 2,3; w b f32 scalar = 0.05; w c u8 scalar = 120; w d i8 4,3 = 30 -21 92 "
     "-72 -77 119 55 -7 12 -52 -19 36; w e f32 4 = 0.02 0.01 0.03 0.04; w f i8 4 = 0 0 0 0; w g "
     "i32 4 = 100 -200 50 7; node com.microsoft:QGemm a,b,c,d,e,f,g -> y alpha=1.0 transB=1; "
     "out y",
     {"75 6 120 225 213 85"},
     "float32 2x4",
     "1.144 5.909 -2.4405 9.026 -1.923 -9.543 7.131 -16.96",
     0},
    {"fused-conv",
     "opset 17; in a f32 1,2,4,4; w b f32 3,2,3,3 = -0.333 1.841 0.588 -2.34 0.472 1.096 0.355 "
     "0.944 0.002 0.056 -0.676 -0.29 -1.426 0.334 -0.763 0.092 -1.203 -0.748 0.248 -0.36 -1.094 "
     "-0.523 1.022 -2.229 1.855 -0.476 -0.661 -1.074 -0.763 0.576 0.26 1.908 0.561 -1.124 1.968 "
     "0.102 1.47 0.4 0.477 -0.111 1.466 -0.121 0.128 -0.145 2.098 2.121 -1.625 0.074 1.048 "
     "-0.141 -0.934 -0.896 -1.056 0.328; w c f32 3 = 0.672 -0.888 -0.796; node "
     "com.microsoft:FusedConv a,b,c -> y activation=Relu kernel_shape=[3,3] pads=[1,1,1,1]; out "
     "y",
     {"0.613 -0.15 0.595 -0.545 1.555 -1.727 0.491 -0.494 -1.407 2.143 0.209 1.408 -0.311 -0.053 "
      "-0.129 1.995 0.268 -1.48 -1.662 3.016 0.197 -1.709 0.005 0.021 0.741 0.234 0.09 0.487 "
      "-0.364 -1.126 -0.161 0.458"},
     "float32 1x3x4x4",
     "4.521495 1.203548 0 2.082982 0 0 8.326925 0 5.621742 3.194935 0 1.06666 0 5.89306 "
     "4.434188 4.496417 0.368645 0 0 4.74789 3.589641 0 9.043673 0 0 1.53758 0 1.565873 0 0 0 "
     "1.127072 0 3.995319 0 0 6.883941 0 0.9593296 0 0 9.320257 0 1.126053 0 0 1.485783 2.179628",
     0},
    {"fused-conv-clip",
     "opset 17; in a f32 1,1,3,3; w b f32 1,1,1,1 = 1.545; w c f32 1 = -0.009; node "
     "com.microsoft:FusedConv a,b,c -> y activation=Clip activation_params=[-0.5,0.5]; out y",
     {"-0.587 0.385 -0.794 -2.165 -0.989 0.878 -0.83 0.181 0.45"},
     "float32 1x1x3x3",
     "-0.5 0.5 -0.5 -0.5 -0.5 0.5 -0.5 0.270645 0.5",
     0},
    {"fused-conv-sum",
     "opset 17; in a f32 1,1,3,3; w b f32 2,1,1,1 = -0.747 -0.976; w c f32 2 = -0.935 -0.171; "
     "in d f32 1,2,3,3; node com.microsoft:FusedConv a,b,c,d -> y activation=Relu; out y",
     {"-1.784 0.592 -1.979 -0.204 0.077 -0.516 -0.762 0.362 0.244",
      "0.225 0.406 -1.796 0.154 1.82 -0.076 0.041 1.657 1.726 1.429 0.851 0.814 -0.925 -0.085 "
      "0.325 -0.46 -1.046 1.222"},
     "float32 1x2x3x3",
     "0.6226481 0 0 0 0.8274811 0 0 0.4515859 0.6087319 2.999184 0.102208 2.574504 0 0 0.657616 "
     "0.112712 0 0.812856",
     0},
    {"fused-matmul",
     "opset 17; in a f32 3,2; in b f32 4,3; node com.microsoft:FusedMatMul a,b -> y alpha=0.5 "
     "transA=1 transB=1; out y",
     {"2.035 1.486 0.962 -1.273 -0.271 -1.24",
      "1.884 0.764 0.251 -1.366 0.487 -0.3 1.169 -0.184 0.387 1.196 0.957 -1.109"},
     "float32 2x4",
     "2.250444 -1.115008 1.048515 1.827517 0.7579059 -1.138914 0.745743 0.9670774",
     0},
    {"fused-matmul-batch",
     "opset 17; in a f32 3,2,4; in b f32 2,4,5; node com.microsoft:FusedMatMul a,b -> y "
     "transBatchA=1 transA=0; out y",
     {"0.89 -0.351 0.589 0.749 -0.489 0.36 0.107 -0.101 0.43 -0.178 0.276 -1.03 0.776 0.365 "
      "1.003 0.017 0.493 1.051 -0.186 -0.46 0.295 0.653 0.327 -0.087",
      "-1.118 -0.456 -2.061 -0.348 -1.167 1.629 -0.914 -1.874 -1.136 1.958 0.324 0.307 -0.818 "
      "-0.501 1.53 1.975 0.826 -0.126 1.534 2.05 -1.803 -1.18 0.817 0.212 0.349 -3.11 0.983 "
      "-0.301 0.586 -1.098 2.083 1.657 -1.884 1.08 -0.59 -0.38 -2.975 0.636 -0.369 0.436"},
     "float32 2x3x5",
     "0.1033119 0.714471 -1.752692 0.9428931 0.7107319 -2.715528 -0.799436 -0.6486461 -1.665728 "
     "-2.539554 0.1921409 -1.622484 -2.775539 -1.977954 0.2549469 0.02332794 1.408674 -0.773697 "
     "0.260121 -0.673107 -0.4514892 1.054511 -1.354713 1.455369 -0.714304 -1.848514 1.094463 "
     "-0.626938 0.830461 -0.844901",
     0},
    {"fused-gemm",
     "opset 17; in a f32 2,3; w b f32 3,4 = -1.196 -1.728 -0.167 0.497 0.088 1.514 -0.097 0.874 "
     "0.713 0.486 -2.014 1.156; w c f32 4 = -0.715 0.005 -0.087 0.217; node "
     "com.microsoft:FusedGemm a,b,c -> y activation=LeakyRelu activation_alpha=0.2 alpha=1.0 "
     "beta=1.0; out y",
     {"-0.078 1.1 -0.344 -0.33 0.174 0.579"},
     "float32 2x4",
     "-0.1540368 1.638 0.512142 0.74197 0.107819 1.12007 -0.2429748 0.87439",
     0},
    {"gelu",
     "opset 17; in a f32 6; node com.microsoft:Gelu a -> y; out y",
     {"-0.742 -0.164 -0.707 -0.534 0.005 0.575"},
     "float32 6",
     "-0.1699504 -0.07131796 -0.1695267 -0.1584222 0.002509973 0.4124787",
     0},
    {"fast-gelu",
     "opset 17; in a f32 2,3; w b f32 3 = -1.645 0.356 -0.672; node com.microsoft:FastGelu a,b "
     "-> y; out y",
     {"0.072 0.753 0.307 0.621 0.793 -1.01"},
     "float32 2x3",
     "-0.09120784 0.9605209 -0.1305131 -0.1567488 1.004855 -0.07799363",
     0},
    {"quick-gelu",
     "opset 17; in a f32 6; node com.microsoft:QuickGelu a -> y alpha=1.702; out y",
     {"0.869 -0.314 -2.3 -1.709 0.715 -0.791"},
     "float32 6",
     "0.7077373 -0.1160182 -0.04498418 -0.0883968 0.5516388 -0.1633248",
     0},
    {"bias-gelu",
     "opset 17; in a f32 2,3; w b f32 3 = -0.004 1.299 -1.397; node com.microsoft:BiasGelu a,b "
     "-> y; out y",
     {"-0.59 -1.254 -0.731 0.751 -0.505 -0.207"},
     "float32 2x3",
     "-0.1640961 0.02330763 -0.03547069 0.5770338 0.6244034 -0.08718866",
     0},
    {"quantize-16",
     "opset 17; in a f32 6; w b f32 scalar = 0.001; w c u16 scalar = 30000; node "
     "com.microsoft:QuantizeLinear a,b,c -> y; out y",
     {"0.67 -0.109 0.043 -0.074 -1.635 0.044"},
     "uint16 6",
     "30670 29891 30043 29926 28365 30044",
     0},
    {"dequantize-16",
     "opset 17; in a i16 6; w b f32 scalar = 0.001; w c i16 scalar = 300; node "
     "com.microsoft:DequantizeLinear a,b,c -> y; out y",
     {"-5276 -9160 7009 1025 -7369 -5128"},
     "float32 6",
     "-5.576 -9.46 6.709 0.725 -7.669 -5.428",
     0},
    {"dequantize-axis",
     "opset 17; in a u8 2,3; w b f32 3 = 0.5 0.25 2; w c u8 3 = 1 2 3; node "
     "com.microsoft:DequantizeLinear a,b,c -> y axis=1; out y",
     {"77 16 252 2 103 132"},
     "float32 2x3",
     "38 3.5 498 0.5 25.25 258",
     0},
    {"matmul-integer-to-float",
     "opset 17; in a u8 2,3; w b i8 3,4 = 64 85 -29 -21 111 90 93 79 4 21 110 27; in c f32 1; w "
     "d f32 4 = 0.1 0.2 0.3 0.4; in e u8 1; w f i8 4 = 1 -2 3 0; w g f32 4 = 0.644 -0.829 1.161 "
     "0.901; node com.microsoft:MatMulIntegerToFloat a,b,c,d,e,f,g -> y; out y",
     {"194 29 229 77 191 24", "0.02", "120"},
     "float32 2x4",
     "-9.398001 1.463 7.791 -45.499 10.27 1.503 -13.875 32.261",
     0},
    {"dynamic-quantize-matmul",
     "opset 17; in a f32 2,3; w b i8 3,4 = -52 -76 -104 -126 71 92 -27 -57 123 50 60 105; w c "
     "f32 scalar = 0.02; w d i8 scalar = 3; w e f32 4 = -1.775 0.042 -0.713 -0.492; node "
     "com.microsoft:DynamicQuantizeMatMul a,b,c,d,e -> y; out y",
     {"-1.486 -1.476 1.564 -0.346 -1.037 0.724"},
     "float32 2x4",
     "1.616121 1.239514 5.129843 8.296306 -1.057592 -0.5763725 1.485392 3.140012",
     0},
    {"dynamic-quantize-matmul-columns",
     "opset 17; in a f32 2,3; w b u8 3,4 = 10 105 120 113 161 27 31 139 31 228 33 9; w c f32 4 "
     "= 0.1 0.2 0.3 0.4; w d u8 4 = 128 100 3 0; node com.microsoft:DynamicQuantizeMatMul "
     "a,b,c,d -> y; out y",
     {"0.432 0.38 1.004 0.533 -0.589 0.283"},
     "float32 2x4",
     "-13.58485 20.61529 27.38273 44.29165 -10.93048 16.30107 16.23548 -7.636405",
     0},
    {"matmul-nbits-4",
     "opset 17; in a f32 2,32; w b u8 3,2,8 = 249 84 150 136 145 31 199 42 73 91 101 253 159 58 "
     "72 166 177 238 128 31 23 96 7 0 59 158 219 227 250 176 148 192 59 232 246 2 198 162 112 "
     "177 77 109 246 28 132 249 190 47; w c f32 6 = -0.007 -0.031 0.051 -0.087 0.017 -0.16; "
     "node com.microsoft:MatMulNBits a,b,c -> y K=32 N=3 bits=4 block_size=16; out y",
     {"0.346 0.102 -0.773 0.089 -0.052 1.674 1.339 1.55 -2.039 -0.223 -0.243 0.908 0.592 -0.398 "
      "0.121 -0.492 1.554 -1.511 1.643 0.355 -2.067 -1.237 -2.474 1.929 -1.538 0.037 0.003 0.69 "
      "-2.249 -0.149 0.129 -0.928 -1.444 1.724 -1.955 -0.005 0.227 1.172 -0.167 -0.541 1.394 "
      "-0.145 0.263 0.13 0.234 0.822 0.551 -1.777 -0.025 0.72 0.094 -0.946 -0.306 0.934 1.239 "
      "-1.03 0.514 0.161 -0.972 -0.084 0.337 -1.008 1.248 0.704"},
     "float32 2x3",
     "-0.261611 -3.144483 0.3626331 -0.28146 1.323102 -3.25071",
     0},
    {"matmul-nbits-4-zero",
     "opset 17; in a f32 1,20; w b u8 3,2,8 = 106 173 88 44 200 184 120 217 31 41 106 88 78 57 "
     "227 79 10 161 74 127 234 48 219 44 49 29 31 8 254 235 112 249 200 87 255 36 180 62 144 "
     "133 223 42 204 236 83 195 76 230; w c f32 6 = 0.145 0.004 0.142 -0.109 0.004 -0.064; w d "
     "u8 3 = 173 17 51; w f f32 3 = -0.121 1.313 0.177; node com.microsoft:MatMulNBits "
     "a,b,c,d,-,f -> y K=20 N=3 bits=4 block_size=16; out y",
     {"1.238 -0.395 0.8 -0.16 1.915 -0.245 -2.622 0.675 2.491 0.703 0.747 -0.4 -0.669 -0.113 "
      "-0.109 -1.257 0.622 0.923 -0.833 -0.742"},
     "float32 1x3",
     "-3.670257 4.110966 -0.432056",
     0},
    {"matmul-nbits-8",
     "opset 17; in a f32 2,32; w b u8 3,1,32 = 91 212 238 23 3 26 105 22 102 93 26 222 85 201 "
     "91 66 103 87 62 118 203 99 238 18 31 224 79 252 108 106 164 30 143 15 139 201 35 144 49 "
     "160 140 206 11 191 157 163 210 16 173 149 248 115 89 162 52 202 91 121 181 17 199 22 230 "
     "47 252 91 3 205 73 217 14 77 41 200 104 230 212 158 103 20 232 80 224 89 195 213 133 183 "
     "225 136 221 13 239 248 238 48; w c f32 3 = 0.013 0.003 -0.001; w d u8 3 = 85 219 41; node "
     "com.microsoft:MatMulNBits a,b,c,d -> y K=32 N=3 bits=8 block_size=32; out y",
     {"-0.876 -1.779 -1.282 -1.841 1.6 -0.249 -1.045 -1.298 -1.067 -0.336 -1.283 1.676 -0.747 "
      "-0.783 0.308 1.451 1.324 -0.488 0.255 0.149 0.53 0.256 -0.944 -1.26 0.176 -1.184 1.363 "
      "0.04 -1.026 -0.322 -0.507 -0.131 0.946 -1.444 -1.868 0.338 -0.177 0.163 0.445 -0.181 0.8 "
      "-0.893 0.064 -0.831 -1.13 0.615 0.569 -1.942 -1.122 0.292 1.07 -0.666 -0.184 -1.413 2.511 "
      "0.475 0.895 0.658 0.933 0.608 -0.335 0.744 0.079 1.297"},
     "float32 2x3",
     "-5.351593 2.521203 0.645264 -1.718964 -0.5591521 -0.3965301",
     0},
    {"nhwc-max-pool",
     "opset 17; in a i8 1,4,4,2; node com.microsoft:NhwcMaxPool a -> y kernel_shape=[2,2] "
     "strides=[2,2]; out y",
     {"92 -31 1 -116 89 6 47 -29 -5 10 -74 109 25 -3 83 86 81 -80 38 54 93 -5 -32 124 -58 -7 -4 "
      "80 56 -51 -114 -127"},
     "int8 1x2x2x2",
     "92 109 89 86 81 80 93 124",
     0},
    {"pad",
     "opset 17; in a f32 2,2; w b i64 4 = 0 1 0 2; w c f32 scalar = 1.5; node com.microsoft:Pad "
     "a,b,c -> y mode=constant; out y",
     {"0.728 0.462 0.409 -0.339"},
     "float32 2x5",
     "1.5 0.728 0.462 1.5 1.5 1.5 0.409 -0.339 1.5 1.5",
     0},
    {"trilu",
     "opset 17; in a f32 3,3; w b i64 scalar = 1; node com.microsoft:Trilu a,b -> y upper=1; "
     "out y",
     {"-1.452 -0.442 1.473 0.268 1.565 -0.331 1.21 0.872 0.168"},
     "float32 3x3",
     "0 -0.442 1.473 0 0 -0.331 0 0 0",
     0},
    {"inverse",
     "opset 17; in a f32 2,3,3; node com.microsoft:Inverse a -> y; out y",
     {"1.28 -1.111 -0.234 -1.815 -1.127 -0.407 0.42 0.349 1.057 -0.911 1.083 0.91 -0.145 1.06 "
      "-0.516 0.119 1.699 -2.129"},
     "float32 2x3x3",
     "0.323128 -0.3365142 -0.058041 -0.5381941 -0.4469483 -0.2912444 0.04930557 0.2812876 "
     "1.0653 -2.667123 7.444058 -2.944207 -0.7152799 3.539069 -1.163487 -0.7198911 3.240357 "
     "-1.562764",
     0},
    {"grid-sample",
     "opset 17; in a f32 1,2,3,3; in b f32 1,2,2,2; node com.microsoft:GridSample a,b -> y "
     "mode=bilinear padding_mode=border align_corners=0; out y",
     {"-1.776 0.323 -1.086 2.096 1.427 1.264 -0.837 -0.874 0.145 0.751 -1.292 1.453 1.073 -0.743 "
      "0.721 -0.949 0.648 -0.069",
      "0.496 0.266 0.155 0.506 0.068 0.503 0.577 -0.318"},
     "float32 1x2x2x2",
     "0.7385128 -0.148772 -0.2347647 0.2449125 0.253782 0.2682734 0.2879898 0.7910715",
     0},
    {"crop-and-resize",
     "opset 17; in a f32 1,1,4,4; w b f32 2,4 = 0.1 0.2 0.9 1 0 0 1.5 0.5; w c i32 2 = 0 0; w d "
     "i32 2 = 2 3; node com.microsoft:CropAndResize a,b,c,d -> y mode=bilinear "
     "extrapolation_value=7.0; out y",
     {"-0.912 1.324 1.189 0.787 -0.615 -0.759 -2.429 0.165 -0.811 2.387 1.241 0.242 1.056 -1.785 "
      "0.584 -0.176"},
     "float32 2x1x2x3",
     "0.09030002 0.2226999 0.6004 -0.1216798 0.5182004 -0.05059992 -0.912 0.765 1.2565 7 7 7",
     0},
    {"max-roi-pool",
     "opset 17; in a f32 1,2,5,5; w b f32 2,5 = 0 0 0 3 3 0 1 2 4 4; node MaxRoiPool a,b -> y "
     "pooled_shape=[2,2] spatial_scale=1.0; out y",
     {"-0.007 0.359 -1.264 0.206 1.203 -1.382 1.526 -0.317 -0.281 -0.178 0.25 0.022 0.029 1.502 "
      "0.77 -0.166 0.746 0.255 -0.386 1.164 -1.136 0.499 -0.998 -1.891 -1.37 1.323 -0.952 -0.036 "
      "-0.52 -0.879 -0.514 -1.001 0.965 -0.344 -1.062 2.744 -0.64 -1.431 -0.334 0.203 0.193 "
      "0.853 -0.088 0.972 0.97 0.788 -1.731 -0.103 -1.365 0.838"},
     "float32 2x2x2x2",
     "1.526 0.206 0.746 1.502 1.323 0.965 2.744 0.972 0.746 1.502 0.746 1.164 0.853 0.972 0.853 "
     "0.972",
     0},
    {"transpose-matmul",
     "opset 17; in a f32 3,2; in b f32 3,4; node com.microsoft:TransposeMatMul a,b -> y "
     "transA=1; out y",
     {"-1.743 2.45 0.856 0.649 0.345 0.447",
      "1.354 0.485 0.283 -0.161 -0.067 0.356 0.542 -1.948 0.23 -0.479 -1.213 -1.14"},
     "float32 2x4",
     "-2.338024 -0.705874 -0.447802 -1.780165 3.376627 1.205181 0.502897 -2.168282",
     0},
    {"ml-scaler",
     "opset 17; in a f32 2,3; node ai.onnx.ml:Scaler a -> y offset=[0.5,-1.0,2.0] "
     "scale=[2.0,1.0,0.5]; out y",
     {"-0.355 -0.721 -0.646 -0.362 -0.89 0.303"},
     "float32 2x3",
     "-1.71 0.279 -1.323 -1.724 0.11 -0.8485",
     0},
    {"ml-normalizer-max",
     "opset 17; in a f32 3,3; node ai.onnx.ml:Normalizer a -> y norm=MAX; out y",
     {"1 -4 2 0 0 0 -1 -2 -3"},
     "float32 3x3",
     "0.5 -2 1 0 0 0 1 2 3",
     0},
    {"ml-normalizer-l1",
     "opset 17; in a f32 3,3; node ai.onnx.ml:Normalizer a -> y norm=L1; out y",
     {"1 -4 2 0 0 0 -1 -2 -3"},
     "float32 3x3",
     "0.1428571 -0.5714286 0.2857143 0 0 0 -0.1666667 -0.3333333 -0.5",
     0},
    {"ml-normalizer-l2",
     "opset 17; in a f32 3,3; node ai.onnx.ml:Normalizer a -> y norm=L2; out y",
     {"1 -4 2 0 0 0 -1 -2 -3"},
     "float32 3x3",
     "0.2182179 -0.8728716 0.4364358 0 0 0 -0.2672612 -0.5345225 -0.8017837",
     0},
    {"ml-binarizer",
     "opset 17; in a f32 2,3; node ai.onnx.ml:Binarizer a -> y threshold=0.2; out y",
     {"0.573 1.819 0.691 -0.701 0.266 -0.333"},
     "float32 2x3",
     "1 1 1 0 1 0",
     0},
    {"ml-array-feature-extractor",
     "opset 17; in a f32 2,4; w b i64 1,2 = 3 0; node ai.onnx.ml:ArrayFeatureExtractor a,b -> "
     "y; out y",
     {"-0.68 -0.125 0.604 -0.56 -0.676 -0.046 -0.871 0.307"},
     "float32 2x2",
     "-0.56 -0.68 0.307 -0.676",
     0},
    {"ml-imputer",
     "opset 17; in a f32 2,2; node ai.onnx.ml:Imputer a -> y imputed_value_floats=[7.0,8.5] "
     "replaced_value_float=-1.0; out y",
     {"1 -1 2 3"},
     "float32 2x2",
     "1 8.5 2 3",
     0},
    {"ml-label-encoder",
     "opset 17; in a i64 4; node ai.onnx.ml:LabelEncoder a -> y keys_int64s=[1,3,5] "
     "values_floats=[0.5,1.5,2.5] default_float=-1.0; out y",
     {"5 1 9 3"},
     "float32 4",
     "2.5 0.5 -1 1.5",
     0},
    {"ml-label-encoder-ints",
     "opset 17; in a i64 2,2; node ai.onnx.ml:LabelEncoder a -> y keys_int64s=[1,3,5] "
     "values_int64s=[10,30,50] default_int64=-7; out y",
     {"5 1 9 3"},
     "int64 2x2",
     "50 10 -7 30",
     0},
    {"ml-linear-regressor",
     "opset 17; in a f32 3,2; node ai.onnx.ml:LinearRegressor a -> y "
     "coefficients=[1.0,2.0,-1.0,0.5] intercepts=[0.25,-0.75] targets=2; out y",
     {"0.252 -1.263 0.548 0.954 0.053 0.401"},
     "float32 3x2",
     "-2.024 -1.6335 2.706 -0.821 1.105 -0.6025",
     0},
    {NULL, NULL, {NULL}, NULL, NULL, 0},
};
