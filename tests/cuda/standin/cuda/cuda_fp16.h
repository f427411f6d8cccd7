// As much of half precision as dfdx's kernels name; computed in float.
#pragma once
struct __half {
    _Float16 value;
    __half() = default;
    template <class T, class = std::enable_if_t<std::is_arithmetic<T>::value>> __half(T v) : value((_Float16)(float)v) {}
    operator float() const { return (float)value; }
};
inline float __half2float(__half h) { return h; }
inline __half __float2half(float f) { return f; }
inline bool __hisnan(__half h) { return std::isnan((float)h); }
#define STANDIN_HALF(op) \
    inline __half operator op(__half a, __half b) { return (float)a op (float)b; } \
    template <class T, class = std::enable_if_t<std::is_arithmetic<T>::value>> __half operator op(__half a, T b) { return (float)a op (float)b; } \
    template <class T, class = std::enable_if_t<std::is_arithmetic<T>::value>> __half operator op(T a, __half b) { return (float)a op (float)b; } \
    inline __half& operator op##=(__half& a, __half b) { return a = a op b; }
STANDIN_HALF(+)
STANDIN_HALF(-)
STANDIN_HALF(*)
STANDIN_HALF(/)
#undef STANDIN_HALF
#define STANDIN_HALF(name, expression) inline __half name(__half a) { float x = a; return expression; }
STANDIN_HALF(__habs, std::fabs(x))
STANDIN_HALF(hsqrt, std::sqrt(x))
STANDIN_HALF(hexp, std::exp(x))
STANDIN_HALF(hlog, std::log(x))
STANDIN_HALF(hsin, std::sin(x))
STANDIN_HALF(hcos, std::cos(x))
STANDIN_HALF(hfloor, std::floor(x))
STANDIN_HALF(hceil, std::ceil(x))
STANDIN_HALF(hrcp, 1 / x)
STANDIN_HALF(hrsqrt, 1 / std::sqrt(x))
#undef STANDIN_HALF
#define STANDIN_HALF(name, expression) inline __half name(__half a, __half b) { float x = a, y = b; return expression; }
STANDIN_HALF(__hmax, std::fmax(x, y))
STANDIN_HALF(__hmin, std::fmin(x, y))
STANDIN_HALF(__hmax_nan, std::isnan(x) || std::isnan(y) ? NAN : std::fmax(x, y))
STANDIN_HALF(__hmin_nan, std::isnan(x) || std::isnan(y) ? NAN : std::fmin(x, y))
STANDIN_HALF(__hadd, x + y)
STANDIN_HALF(__hsub, x - y)
STANDIN_HALF(__hmul, x * y)
STANDIN_HALF(__hdiv, x / y)
#undef STANDIN_HALF
inline unsigned short __half_as_ushort(__half h) { return standin_bits<unsigned short>(h.value); }
inline __half __ushort_as_half(unsigned short s) { __half h; h.value = standin_bits<_Float16>(s); return h; }
