// Gaussian noising processes. Time is generative: t = 0 is noise, t = 1 is data.

/// x_t = alpha(t) x0 + sigma(t) z for x0 of any shape and z standard normal, as the solution of the linear stochastic
/// equation that has these moments (arXiv 2011.13456); each of the roles of a process follows from any other.
process gaussian[..s](alpha : fn(real) -> real, sigma : fn(real) -> real) {
  require sigma(0) > 0, "a path starts with noise"
  path(x0 : real[..s], t) = normal(alpha(t) * x0, sigma(t))
  start : density[real[..s]] = normal(0, sigma(0))
  dalpha(t : real) -> real = jvp(alpha(t), t, 1)
  dsigma(t : real) -> real = jvp(sigma(t), t, 1)
  slope(t : real) -> real = dalpha(t) / alpha(t)
  path_noise(t : real) -> real = sqrt(2 * sigma(t) * (sigma(t) * slope(t) - dsigma(t)))   // of the noising on this path
  diffusion(t) = path_noise(t)                         // another one leaves the path, and its velocity, as they are
  noising(x, t) = -slope(t) * x
  law(t) = data.noised(alpha(t), sigma(t))
  score(x, t) = law(t).score(x)
  score(x, t) = grad(logp(x, t), x)
  score(x, t) = -noise(x, t) / sigma(t)
  score(x, t) = (alpha(t) * denoised(x, t) - x) / sigma(t)^2
  score(x, t) = (alpha(t) * velocity(x, t) - dalpha(t) * x) / (sigma(t) * (dalpha(t) * sigma(t) - alpha(t) * dsigma(t)))
  noise(x, t) = -sigma(t) * score(x, t)
  denoised(x, t) = (x + sigma(t)^2 * score(x, t)) / alpha(t)
  velocity(x, t) = slope(t) * x + path_noise(t)^2 / 2 * score(x, t)
}

test "gaussian" = close(gaussian(alpha(t) = t, sigma(t) = 2 - t).path(0.7, 0.3).mean, 0.21) &&
  close(gaussian(alpha(t) = t, sigma(t) = 2 - t).path(0.7, 0.3).sd, 1.7) &&
  close((gaussian(alpha(t) = t, sigma(t) = 2 - t) with data = normal(1, 0.5)).start.sd, 2)

/// Noise of growing spread on data that stay, geometric in t (arXiv 2011.13456).
process variance_exploding(sigma_min : real, sigma_max : real) =
  gaussian(alpha(t) = 1, sigma(t) = sigma_min * (sigma_max / sigma_min)^(1 - t)) with {
    require 0 < sigma_min && sigma_min < sigma_max, "noise falls from sigma_max to sigma_min"
  }

test "variance_exploding" = close(variance_exploding(0.1, 10).sigma(0.3), 2.51188643151) &&
  close(variance_exploding(0.1, 10).diffusion(0.3), 7.623209234214) &&
  variance_exploding(0.1, 10).noising(0.7, 0.3) == 0 &&
  close((variance_exploding(0.1, 10) with data = normal(1, 0.5)).velocity(0.7, 0.3), 1.328897058268)

/// Noise in place of data, at a rate that is linear in t (arXiv 2011.13456).
process variance_preserving(beta_min : real, beta_max : real) =
  gaussian(alpha(t) = vp_alpha(t, beta_min, beta_max), sigma(t) = sqrt(1 - vp_alpha(t, beta_min, beta_max)^2)) with {
    require 0 <= beta_min && beta_min < beta_max, "noise rates rise from beta_min to beta_max"
    slope(t) = (beta_min + (beta_max - beta_min) * (1 - t)) / 2
    path_noise(t) = sqrt(2 * slope(t))                 // finite at t = 1, where the general formula is 0 times infinity
  }

test "variance_preserving" = close(variance_preserving(0.1, 20).alpha(0.3), 0.08435257018283) &&
  close(variance_preserving(0.1, 20).sigma(0.8), 0.5844978798723) &&
  close(variance_preserving(0.1, 20).diffusion(1), 0.3162277660168) &&
  close((variance_preserving(0.1, 20) with data = normal(1, 0.5)).score(0.7, 0.8), 0.2200493914151) &&
  close((variance_preserving(0.1, 20) with data = normal(1, 0.5)).velocity(0.7, 0.3), 0.568562456002)

/// The share of the data that is left at t where the noise rate rises from lo at t = 1 to hi at t = 0.
fn vp_alpha(t : real, lo : real, hi : real) -> real = exp(-lo * (1 - t) / 2 - (hi - lo) * (1 - t)^2 / 4)
test "vp_alpha" = close(vp_alpha(0.3, 0.1, 20), 0.08435257018283) && vp_alpha(1, 0.1, 20) == 1

/// Straight lines from noise to data (arXiv 2209.03003). Its noise has no bound at t = 0.
process rectified_flow() = gaussian(alpha(t) = t, sigma(t) = 1 - t)
test "rectified_flow: roles from data" = close(rectified_flow().diffusion(0.3), 2.160246899469) &&
  close((rectified_flow() with data = normal(1, 0.5)).logp(0.7, 0.3), -0.7408088101955) &&
  close((rectified_flow() with data = normal(1, 0.5)).score(0.7, 0.3), -0.780487804878) &&
  close((rectified_flow() with data = normal(1, 0.5)).noise(0.7, 0.3), 0.5463414634146) &&
  close((rectified_flow() with data = normal(1, 0.5)).denoised(0.7, 0.3), 1.058536585366) &&
  close((rectified_flow() with data = normal(1, 0.5)).velocity(0.7, 0.3), 0.5121951219512)

test "rectified_flow: score from each role" =
  close((rectified_flow() with logp(x, t) = -0.25 * x^4 * t).score(0.7, 0.3), -0.1029) &&
  close((rectified_flow() with noise(x, t) = 0.5463414634146).score(0.7, 0.3), -0.780487804878) &&
  close((rectified_flow() with denoised(x, t) = 1.058536585366).score(0.7, 0.3), -0.780487804878) &&
  close((rectified_flow() with velocity(x, t) = 0.5121951219512).score(0.7, 0.3), -0.780487804878)

test "rectified_flow: a step" =
  close((rectified_flow() with data = normal(1, 0.5)).step(0.7, 0.3, 0.01).mean, 0.6869105691057) &&
  close((rectified_flow() with data = normal(1, 0.5)).step(0.7, 0.3, 0.01).sd, 0.2160246899469)

/// A quarter of a circle from noise to data (arXiv 2102.09672, without its offset). Its noise has no bound at t = 0.
process cosine() = gaussian(alpha(t) = sin(pi / 2 * t), sigma(t) = cos(pi / 2 * t))
test "cosine" = close(cosine().diffusion(0.3), 2.483087341588) &&
  close((cosine() with data = normal(1, 0.5)).velocity(0.7, 0.3), 1.260917889115)

/// Noise of growing spread whose power 1 / rho is linear in t (arXiv 2206.00364).
process edm(sigma_min : real = 0.002, sigma_max : real = 80, rho : real = 7) =
  gaussian(alpha(t) = 1, sigma(t) = (sigma_max^(1 / rho) + t * (sigma_min^(1 / rho) - sigma_max^(1 / rho)))^rho) with {
    require 0 < sigma_min && sigma_min < sigma_max, "noise falls from sigma_max to sigma_min"
    require rho > 0, "the exponent is positive"
  }

test "edm" = close(edm().sigma(0.3), 12.38157613854) && close(edm().diffusion(0.3), 46.74627982027) &&
  close((edm() with data = normal(1, 0.5)).velocity(0.7, 0.3), 2.134645943887)

/// A pull to 0 at this rate against constant noise, whose law without end is normal(0, spread).
process ornstein_uhlenbeck(rate : real = 5, spread : real = 1) =
  gaussian(alpha(t) = exp(-rate * (1 - t)), sigma(t) = spread * sqrt(1 - exp(-2 * rate * (1 - t)))) with {
    require rate > 0 && spread > 0, "rate and spread are positive"
    slope(t) = rate
    path_noise(t) = spread * sqrt(2 * rate)
  }

test "ornstein_uhlenbeck" = close(ornstein_uhlenbeck(2.5, 1.5).sigma(0.3), 1.477178353246) &&
  close(ornstein_uhlenbeck(2.5, 1.5).diffusion(1), 3.35410196625) &&
  close((ornstein_uhlenbeck(2.5, 1.5) with data = normal(1, 0.5)).velocity(0.7, 0.3), 0.3981482948295)
