// Times scoring engines through their C entry points: one engine and one model a process.
//
// build: cc -O3 -o score-peers score_peers.c -ldl -lm
// usage: score-peers ENGINE MODEL ROWS FEATURES SECONDS OUTPUTS|- LIBRARY BATCH...
//
// Each call gets the next rows of a shuffled pool, copied before the clock starts: features are hot, as those of a request just
// read are, and the path through the model differs with every call. Prints a line of CSV for each batch size: batch, median, 99th
// percentile and mean (ns a row), calls. `ScoreDriver` measures this project's scorer in the same way. OUTPUTS receives the
// predictions of the first ten thousand rows as float64.
//
// Engines: xgboost (PredictFromDense), lightgbm (PredictForMat), lightgbm-fast (SingleRowFast), onnxruntime (C API, preallocated
// tensors; ORT_OUTPUT and ORT_WIDTH say which), treelite (GTIL), tl2cgen (compiled model), lleaves (compiled model), ydf-cc (compiled
// model). Every library is opened at run time and its few functions are declared by hand, so that nothing needs its headers.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LARGEST_BATCH = 4096, CALL_LIMIT = 4000000 };

static int width;       // features of a row
static float *stage;    // the rows of a call
static double *outputs; // what it answers
static double *wide;    // the rows as float64, for engines that take no float32
static void *library;
static const char *model;

static void die(const char *message) {
    fprintf(stderr, "score-peers: %s\n", message);
    exit(1);
}

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (!found) die(name);
    return found;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void widen(int count) {
    for (int i = 0; i < count * width; i++) wide[i] = stage[i];
}

// MARK: XGBoost

static void *booster;
static int (*xgb_predict)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);

static void xgboost_open(void) {
    int (*create)(void *, uint64_t, void **) = symbol("XGBoosterCreate");
    int (*load)(void *, const char *) = symbol("XGBoosterLoadModel");
    int (*set)(void *, const char *, const char *) = symbol("XGBoosterSetParam");
    xgb_predict = symbol("XGBoosterPredictFromDense");
    if (create(0, 0, &booster) || load(booster, model) || set(booster, "nthread", "1")) die("xgboost does not load the model");
}

static void xgboost_score(int count) {
    static char array[256];
    static int described;
    if (described != count) {
        snprintf(array, sizeof array, "{\"data\":[%llu,false],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}",
                 (unsigned long long)(uintptr_t)stage, count, width);
        described = count;
    }
    const char *how = "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,"
                      "\"cache_id\":0,\"missing\":NaN}";
    const uint64_t *shape;
    uint64_t dimensions;
    const float *result;
    if (xgb_predict(booster, array, how, NULL, &shape, &dimensions, &result)) die("xgboost does not score");
    for (int i = 0; i < count; i++) outputs[i] = result[i];
}

// MARK: LightGBM

static void *fast;
static int64_t answered;
static const char *lgb_parameters = "num_threads=1 predict_disable_shape_check=true";
static int (*lgb_fast)(void *, const void *, int64_t *, double *);
static int (*lgb_matrix)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *);

static void lightgbm_open(void) {
    int iterations;
    int (*load)(const char *, int *, void **) = symbol("LGBM_BoosterCreateFromModelfile");
    int (*fast_open)(void *, int, int, int, int, int32_t, const char *, void **) =
        symbol("LGBM_BoosterPredictForMatSingleRowFastInit");
    lgb_fast = symbol("LGBM_BoosterPredictForMatSingleRowFast");
    lgb_matrix = symbol("LGBM_BoosterPredictForMat");
    if (load(model, &iterations, &booster)) die("lightgbm does not load the model");
    if (fast_open(booster, 0, 0, -1, 0, width, lgb_parameters, &fast)) die("lightgbm has no fast row");
}

static void lightgbm_fast_score(int count) {
    for (int i = 0; i < count; i++) lgb_fast(fast, stage + (size_t)i * width, &answered, outputs + i);
}

static void lightgbm_score(int count) {
    lgb_matrix(booster, stage, 0, count, width, 1, 0, 0, -1, lgb_parameters, &answered, outputs);
}

// MARK: ONNX Runtime. Its functions stand in a table that only grows; the places are those of version 1 of the API.

enum {
    ORT_ERROR_MESSAGE = 2, ORT_CREATE_ENV = 3, ORT_CREATE_SESSION = 7, ORT_RUN = 9, ORT_CREATE_OPTIONS = 10,
    ORT_OPTIMIZATION = 23, ORT_INTRA_THREADS = 24, ORT_INTER_THREADS = 25, ORT_CREATE_TENSOR = 49, ORT_CREATE_MEMORY = 69,
};
typedef void *OrtStatus;
static void **ort;
static void *ort_session, *ort_memory;
static float *ort_result;
static const char *ort_output;
static int ort_width;

static void ort_check(OrtStatus status) {
    if (status) die(((const char *(*)(void *))ort[ORT_ERROR_MESSAGE])(status));
}

static void onnxruntime_open(void) {
    struct { void **(*table)(uint32_t); } *base = ((void *(*)(void))symbol("OrtGetApiBase"))();
    ort = base->table(11);
    if (!ort) die("onnxruntime is too old");
    void *environment, *options;
    ort_check(((OrtStatus(*)(int, const char *, void **))ort[ORT_CREATE_ENV])(3, "bench", &environment));
    ort_check(((OrtStatus(*)(void **))ort[ORT_CREATE_OPTIONS])(&options));
    ort_check(((OrtStatus(*)(void *, int))ort[ORT_INTRA_THREADS])(options, 1));
    ort_check(((OrtStatus(*)(void *, int))ort[ORT_INTER_THREADS])(options, 1));
    ort_check(((OrtStatus(*)(void *, int))ort[ORT_OPTIMIZATION])(options, 99));
    ort_check(((OrtStatus(*)(void *, const char *, void *, void **))ort[ORT_CREATE_SESSION])(environment, model, options, &ort_session));
    ort_check(((OrtStatus(*)(int, int, void **))ort[ORT_CREATE_MEMORY])(1, 0, &ort_memory));
    ort_output = getenv("ORT_OUTPUT") ? getenv("ORT_OUTPUT") : "Y";
    ort_width = getenv("ORT_WIDTH") ? atoi(getenv("ORT_WIDTH")) : 1;
    ort_result = aligned_alloc(64, sizeof(float) * LARGEST_BATCH * 8);
}

static void *ort_tensor(float *values, int rows, int columns) {
    const int64_t shape[2] = {rows, columns};
    void *tensor;
    ort_check(((OrtStatus(*)(void *, void *, size_t, const int64_t *, size_t, int, void **))ort[ORT_CREATE_TENSOR])(
        ort_memory, values, (size_t)rows * columns * sizeof(float), shape, 2, 1, &tensor));
    return tensor;
}

static void onnxruntime_score(int count) {
    static void *input[LARGEST_BATCH + 1], *output[LARGEST_BATCH + 1];
    if (!input[count]) {
        input[count] = ort_tensor(stage, count, width);
        output[count] = ort_tensor(ort_result, count, ort_width);
    }
    const void *inputs[1] = {input[count]};
    void *results[1] = {output[count]};
    const char *input_names[1] = {"X"}, *output_names[1] = {ort_output};
    ort_check(((OrtStatus(*)(void *, void *, const char *const *, const void *const *, size_t, const char *const *, size_t, void **))
                   ort[ORT_RUN])(ort_session, NULL, input_names, inputs, 1, output_names, 1, results));
    for (int i = 0; i < count; i++) outputs[i] = ort_result[i * ort_width + ort_width - 1];
}

// MARK: Treelite's interpreter, and what tl2cgen, lleaves and YDF compile

static void *treelite, *treelite_configuration;
static int is_double;
static float *narrow_result;
static int (*treelite_predict)(void *, const void *, const char *, uint64_t, void *, void *);

static void treelite_open(void) {
    int (*configure)(const char *, void **) = symbol("TreeliteGTILParseConfig");
    is_double = strstr(model, ".txt") != NULL;
    int (*load)(const char *, const char *, void **) =
        symbol(is_double ? "TreeliteLoadLightGBMModel" : "TreeliteLoadXGBoostModelJSON");
    if (load(model, "{}", &treelite)) die("treelite does not load the model");
    if (configure("{\"predict_type\":\"default\",\"nthread\":1}", &treelite_configuration)) die("treelite's configuration");
    treelite_predict = symbol("TreeliteGTILPredict");
    narrow_result = malloc(sizeof(float) * LARGEST_BATCH);
}

static void treelite_score(int count) {
    if (is_double) {
        widen(count);
        if (treelite_predict(treelite, wide, "float64", count, outputs, treelite_configuration)) die("treelite does not score");
        return;
    }
    if (treelite_predict(treelite, stage, "float32", count, narrow_result, treelite_configuration)) die("treelite does not score");
    for (int i = 0; i < count; i++) outputs[i] = narrow_result[i];
}

// An entry is a value or, as an integer, -1 for missing; predict() adds to what the result holds.
union entry32 { int missing; float value; };
union entry64 { int missing; double value; };
static void (*tl2cgen_float)(union entry32 *, int, float *);
static void (*tl2cgen_double)(union entry64 *, int, double *);

static void tl2cgen_open(void) {
    const char *(*type)(void) = symbol("get_threshold_type");
    is_double = strstr(type(), "64") != NULL;
    tl2cgen_float = symbol("predict");
    tl2cgen_double = symbol("predict");
}

static void tl2cgen_score(int count) {
    for (int row = 0; row < count; row++) {
        const float *x = stage + (size_t)row * width;
        if (is_double) {
            union entry64 entries[1024];
            for (int j = 0; j < width; j++) {
                if (isnan(x[j])) entries[j].missing = -1;
                else entries[j].value = x[j];
            }
            outputs[row] = 0;
            tl2cgen_double(entries, 0, outputs + row);
        } else {
            union entry32 entries[1024];
            float result = 0;
            for (int j = 0; j < width; j++) {
                if (isnan(x[j])) entries[j].missing = -1;
                else entries[j].value = x[j];
            }
            tl2cgen_float(entries, 0, &result);
            outputs[row] = result;
        }
    }
}

static void (*lleaves_root)(double *, double *, int, int);
static void lleaves_open(void) { lleaves_root = symbol("forest_root"); }
static void lleaves_score(int count) {
    widen(count);
    lleaves_root(wide, outputs, 0, count);
}

static void (*ydf_rows)(const float *, double *, int);
static void ydf_open(void) { ydf_rows = symbol("ydf_rows"); }
static void ydf_score(int count) { ydf_rows(stage, outputs, count); }

// MARK: The clock

static const struct {
    const char *name;
    void (*open)(void);
    void (*score)(int);
} engines[] = {
    {"xgboost", xgboost_open, xgboost_score},     {"lightgbm", lightgbm_open, lightgbm_score},
    {"lightgbm-fast", lightgbm_open, lightgbm_fast_score}, {"onnxruntime", onnxruntime_open, onnxruntime_score},
    {"treelite", treelite_open, treelite_score},  {"tl2cgen", tl2cgen_open, tl2cgen_score},
    {"lleaves", lleaves_open, lleaves_score},     {"ydf-cc", ydf_open, ydf_score},
};

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static float *read_pool(const char *path, int *row_count) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    fseek(file, 0, SEEK_END);
    const size_t bytes = (size_t)ftell(file);
    rewind(file);
    float *pool = malloc(bytes);
    if (fread(pool, 1, bytes, file) != bytes) die(path);
    fclose(file);
    *row_count = (int)(bytes / sizeof(float) / (size_t)width);
    return pool;
}

static int *shuffled(int count) {
    int *order = malloc(sizeof(int) * (size_t)count);
    for (int i = 0; i < count; i++) order[i] = i;
    uint64_t state = 88172645463325252ull;
    for (int i = count - 1; i > 0; i--) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const int j = (int)(state % (uint64_t)(i + 1)), swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    return order;
}

int main(int count, char **arguments) {
    if (count < 9) die("usage: score-peers ENGINE MODEL ROWS FEATURES SECONDS OUTPUTS|- LIBRARY BATCH...");
    model = arguments[2];
    width = atoi(arguments[4]);
    const double seconds = atof(arguments[5]);
    int pool_count;
    float *pool = read_pool(arguments[3], &pool_count);
    int *order = shuffled(pool_count);
    stage = aligned_alloc(64, sizeof(float) * LARGEST_BATCH * (size_t)width);
    wide = aligned_alloc(64, sizeof(double) * LARGEST_BATCH * (size_t)width);
    outputs = aligned_alloc(64, sizeof(double) * LARGEST_BATCH);
    library = dlopen(arguments[7], RTLD_NOW | RTLD_LOCAL);
    if (!library) die(dlerror());
    void (*score)(int) = NULL;
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (strcmp(engines[i].name, arguments[1])) continue;
        engines[i].open();
        score = engines[i].score;
    }
    if (!score) die("no such engine");

    double overhead = 1;
    for (int i = 0; i < 1000; i++) {
        const double before = now(), after = now();
        if (after - before < overhead) overhead = after - before;
    }
    double *times = malloc(sizeof(double) * CALL_LIMIT);
    for (int argument = 8; argument < count; argument++) {
        const int batch = atoi(arguments[argument]);
        if (batch < 1 || batch > LARGEST_BATCH) die("batch");
        int position = 0, calls = 0, seen = 0, is_warm = 0;
        double start = now(), sum = 0;
        while (1) {
            for (int row = 0; row < batch; row++) {
                memcpy(stage + (size_t)row * width, pool + (size_t)order[position] * width, sizeof(float) * (size_t)width);
                if (++position == pool_count) position = 0;
            }
            const double before = now();
            score(batch);
            const double after = now();
            seen += batch;
            if (!is_warm) {
                if (after - start >= seconds / 4 && (seen >= 10000 || after - start >= 2 * seconds)) {
                    is_warm = 1;
                    start = now();
                }
                continue;
            }
            times[calls] = fmax(0, after - before - overhead);
            sum += times[calls++];
            if (calls == CALL_LIMIT || (after - start > seconds && (calls >= 30 || after - start > 3 * seconds))) break;
        }
        qsort(times, (size_t)calls, sizeof(double), compare);
        const double scale = 1e9 / batch;
        printf("%d,%.1f,%.1f,%.1f,%d\n", batch, times[calls / 2] * scale, times[(int)(calls * 0.99)] * scale,
               sum / calls * scale, calls);
        fflush(stdout);
    }
    if (strcmp(arguments[6], "-")) {
        FILE *file = fopen(arguments[6], "wb");
        if (!file) die(arguments[6]);
        const int batch = pool_count < 500 ? pool_count : 500;
        for (int row = 0; row + batch <= pool_count && row < 10000; row += batch) {
            memcpy(stage, pool + (size_t)row * width, sizeof(float) * (size_t)batch * (size_t)width);
            score(batch);
            fwrite(outputs, sizeof(double), (size_t)batch, file);
        }
        fclose(file);
    }
    return 0;
}
