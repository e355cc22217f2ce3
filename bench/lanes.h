// Vectors of lanes and the few functions on them that the hand-written opponents need: exp, log and normal numbers
// within two units in the last place, as those of the library are.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

#ifdef __AVX512F__
constexpr int L = 16; // lanes
#else
constexpr int L = 8;
#endif
constexpr int V = 2, B = V * L; // vectors in flight, particles a tile
constexpr double kLog2 = 0.69314718055994531;

typedef float Real __attribute__((vector_size(4 * L)));
typedef int32_t Int __attribute__((vector_size(4 * L)));
typedef uint32_t Word __attribute__((vector_size(4 * L)));
typedef uint64_t Wide __attribute__((vector_size(4 * L)));
typedef double Long __attribute__((vector_size(4 * L)));
typedef float Half __attribute__((vector_size(2 * L)));

template <typename T, typename E> inline T load(const E *p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <typename T, typename E> inline void store(E *p, T v) { std::memcpy(p, &v, sizeof v); }

// What compilers do not find by themselves.
#ifdef __AVX512F__
inline Real larger(Real a, Real b) { return _mm512_max_ps(a, b); }
inline Real root(Real a) { return _mm512_sqrt_ps(a); }
inline Wide product(Wide a, uint32_t m) { return Wide(_mm512_mul_epu32(__m512i(a), _mm512_set1_epi64(m))); }
inline Wide differ(Wide a, Wide b, uint64_t c) {
  return Wide(_mm512_ternarylogic_epi64(__m512i(a), __m512i(b), _mm512_set1_epi64(int64_t(c)), 0x96));
}
inline Wide joined(Wide low, Wide high) {
  return Wide(_mm512_mask_blend_epi32(0xAAAA, __m512i(low), __m512i(high << 32)));
}
inline Real number(Word a) { return _mm512_cvtepu32_ps(__m512i(a)); }
inline Real limited(Real a) { return a; } // `scaled` knows all exponents
inline Real whole(Real a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT); }
inline Real scaled(Real a, Real n) { return _mm512_scalef_ps(a, n); }
inline bool anyBelow(Real a, float b) { return _mm512_cmp_ps_mask(a, _mm512_set1_ps(b), _CMP_NGE_UQ) != 0; }
inline Half half(Real a, int h) { return Half(h ? _mm512_extractf32x8_ps(a, 1) : _mm512_castps512_ps256(a)); }
inline Real both(Half a, Half b) { return _mm512_insertf32x8(_mm512_castps256_ps512(__m256(a)), __m256(b), 1); }
inline Long wide(Half a) { return Long(_mm512_cvtps_pd(__m256(a))); }
inline Half narrow(Long a) { return Half(_mm512_cvtpd_ps(__m512d(a))); }
#else
inline Long wide(Half a) { return __builtin_convertvector(a, Long); }
inline Half narrow(Long a) { return __builtin_convertvector(a, Half); }
inline Real larger(Real a, Real b) { return a > b ? a : b; }
inline Real root(Real a) {
  for (int j = 0; j < L; ++j)
    a[j] = std::sqrt(a[j]);
  return a;
}
inline Wide product(Wide a, uint32_t m) { return (a & 0xFFFFFFFFu) * m; }
inline Wide differ(Wide a, Wide b, uint64_t c) { return a ^ b ^ c; }
inline Wide joined(Wide low, Wide high) { return (low & 0xFFFFFFFFu) | high << 32; }
inline Real number(Word a) { return __builtin_convertvector(a, Real); }
inline Real limited(Real a) { return larger(a, Real{} - 126); }
inline Real whole(Real a) { return a + 12582912.0f - 12582912.0f; }
inline Real scaled(Real a, Real n) { return Real(Int(a) + (__builtin_convertvector(n, Int) << 23)); }
inline bool anyBelow(Real a, float b) {
  bool any = false;
  for (int j = 0; j < L; ++j)
    any |= !(a[j] >= b);
  return any;
}
inline Half half(Real a, int h) { return load<Half>(reinterpret_cast<float *>(&a) + h * L / 2); }
inline Real both(Half a, Half b) {
  Real r;
  std::memcpy(&r, &a, sizeof a), std::memcpy(reinterpret_cast<char *>(&r) + sizeof a, &b, sizeof b);
  return r;
}
#endif

/// 2^x for x < 127, at most 1.94 units in the last place away; where that is below the smallest normal number, about
/// as small.
inline Real power2(Real x) {
  x = limited(x);
  Real n = whole(x), f = x - n;
  Real p = f * 1.3269434e-3f + 9.6712969e-3f;
  p = p * f + 5.55071123e-2f;
  p = p * f + 2.40222469e-1f;
  p = p * f + 6.93147004e-1f;
  p = p * f + 1.0f;
  return scaled(p, n);
}

/// Natural logarithm of a normal number.
inline Real logarithm(Real u) {
  Int bits = Int(u), e = (bits - 0x3f3504f3) >> 23;
  Real m = Real(bits - (e << 23)) - 1.0f, z = m * m, count = __builtin_convertvector(e, Real);
  Real p = m * -7.660819e-2f + 1.2786331e-1f;
  p = p * m - 1.3161606e-1f;
  p = p * m + 1.4197877e-1f;
  p = p * m - 1.6622753e-1f;
  p = p * m + 2.0001412e-1f;
  p = p * m - 2.5000846e-1f;
  p = p * m + 3.3333329e-1f;
  Real y = m * z * p + count * 1.4286068e-6f;
  return count * 0.693145752f + (m + (z * -0.5f + y));
}

/// Two normal numbers for each of L particles by one Philox4x32-10 for every two of them, and Box-Muller.
struct Normals {
  uint32_t seed;
  uint64_t key[10][2];
  explicit Normals(uint32_t seed) : seed(seed) {
    uint32_t a = seed, b = 0;
    for (auto &k : key)
      k[0] = a, k[1] = b, a += 0x9E3779B9u, b += 0xBB67AE85u;
  }
  void operator()(uint32_t first, uint32_t step, Real &z0, Real &z1) const {
    Wide c0, c1, c2, c3;
    for (uint32_t j = 0; j < L / 2; ++j)
      c0[j] = j;
    c0 += first / 2;
    // The counter is (pair, step, 0, 0): of the first two rounds this much is left that differs between particles.
    Wide p = product(c0, 0xD2511F53u), q = product((p >> 32) ^ key[0][1], 0xCD9E8D57u);
    uint64_t same = ((step ^ key[0][0]) & 0xFFFFFFFFu) * 0xD2511F53u;
    c0 = (q >> 32) ^ key[1][0], c1 = q, c2 = p ^ ((same >> 32) ^ key[1][1]), c3 = Wide{} + same;
#pragma GCC unroll 8
    for (int round = 2; round < 10; ++round) {
      p = product(c0, 0xD2511F53u), q = product(c2, 0xCD9E8D57u);
      c0 = differ(q >> 32, c1, key[round][0]), c2 = differ(p >> 32, c3, key[round][1]);
      c1 = q, c3 = p;
    }
    Word a = Word(joined(c0, c2)), b = Word(joined(c1, c3));
    Real radius = root(logarithm(number(a) * 0x1p-32f + 0x1p-33f) * -2.0f);
    // A quarter of the circle by 23 bits, which quarter by two of the others.
    Real r = Real(Int(b >> 9) | 0x3F800000) * 0.25f - 0.375f, z = r * r;
    Real sine = z * -7.540184e+1f + 8.1592548e+1f;
    sine = sine * z - 4.1341663e+1f;
    sine = (sine * z + 6.2831853f) * r;
    Real cosine = z * -8.3592214e+1f + 6.4921244e+1f;
    cosine = cosine * z - 1.9739152e+1f;
    cosine = cosine * z + 1.0f;
    Int turned = (Int(b) & 1) != 0;
    cosine = Real(Int(cosine) ^ (Int(b << 30) & INT32_MIN));
    z0 = radius * (turned ? sine : cosine), z1 = radius * (turned ? cosine : sine);
  }
};

} // namespace
