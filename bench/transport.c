/* Two samples of points in the plane in, how far they are apart out: exact optimal transport between the first of each
 * (unrooted for the squared distance), and the maximum mean discrepancy of all. For table_10_2.py. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { kernels = 10 };

static double *read_points(const char *path, long *count) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END))
    exit(EXIT_FAILURE);
  long bytes = ftell(file);
  double *points = malloc((size_t)bytes);
  rewind(file);
  if (!points || fread(points, 1, (size_t)bytes, file) != (size_t)bytes)
    exit(EXIT_FAILURE);
  fclose(file);
  *count = bytes / (long)(2 * sizeof *points);
  return points;
}

static double squared_distance(const double *a, const double *b) {
  return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
}

/* The least mean cost of an assignment of the n first points of x to those of y: one shortest augmenting path for each
 * row, with potentials. */
static double transport(const double *x, const double *y, long n, int power) {
  size_t size = (size_t)n + 1;
  double *u = calloc(size, sizeof *u), *v = calloc(size, sizeof *v), *least = malloc(size * sizeof *least), total = 0;
  long *row = calloc(size, sizeof *row), *way = malloc(size * sizeof *way);
  char *used = malloc(size);
  if (!u || !v || !least || !row || !way || !used)
    exit(EXIT_FAILURE);
  for (long i = 1; i <= n; i++) {
    long column = 0;
    row[0] = i;
    for (long j = 0; j <= n; j++) {
      least[j] = DBL_MAX;
      used[j] = 0;
    }
    do {
      long from = row[column], next = 0;
      double step = DBL_MAX;
      used[column] = 1;
      for (long j = 1; j <= n; j++) {
        if (used[j])
          continue;
        double square = squared_distance(x + 2 * (from - 1), y + 2 * (j - 1));
        double cost = (power == 2 ? square : sqrt(square)) - u[from] - v[j];
        if (cost < least[j]) {
          least[j] = cost;
          way[j] = column;
        }
        if (least[j] < step) {
          step = least[j];
          next = j;
        }
      }
      for (long j = 0; j <= n; j++)
        if (used[j]) {
          u[row[j]] += step;
          v[j] -= step;
        } else {
          least[j] -= step;
        }
      column = next;
    } while (row[column]);
    while (column) {
      row[column] = row[way[column]];
      column = way[column];
    }
  }
  for (long j = 1; j <= n; j++) {
    double square = squared_distance(x + 2 * (row[j] - 1), y + 2 * (j - 1));
    total += (power == 2 ? square : sqrt(square)) / (double)n;
  }
  free(u), free(v), free(least), free(row), free(way), free(used);
  return total;
}

/* The mean over all pairs of the sum of the kernels e^(-g d^2), g from 0.01 to 1. */
static double mean_kernel(const double *x, long n, const double *y, long m) {
  double sum = 0;
  for (int k = 0; k < kernels; k++) {
    double g = pow(10, -2 + 2.0 * k / (kernels - 1));
    for (long i = 0; i < n; i++) {
      double part = 0;
      for (long j = 0; j < m; j++)
        part += exp(-g * squared_distance(x + 2 * i, y + 2 * j));
      sum += part / ((double)n * (double)m);
    }
  }
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 4)
    return EXIT_FAILURE;
  long n, m, subset = strtol(argv[3], NULL, 10);
  double *x = read_points(argv[1], &n), *y = read_points(argv[2], &m);
  double apart = mean_kernel(x, n, x, n) + mean_kernel(y, m, y, m) - 2 * mean_kernel(x, n, y, m);
  printf("%.17g %.17g %.17g\n", apart, transport(x, y, subset, 1), sqrt(transport(x, y, subset, 2)));
  free(x), free(y);
  return 0;
}
