// Opening, closing, status and upkeep.

#include "Handles.h"

#include <cstdlib>
#include <cstring>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <rocksdb/convenience.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

using namespace rocksdb;

char *crocks_copied(const std::string &text) {
    char *copy = static_cast<char *>(std::malloc(text.size() + 1));
    if (copy != nullptr) {
        std::memcpy(copy, text.c_str(), text.size() + 1);
    }
    return copy;
}

crocks_status crocks_report(const Status &status) {
    if (status.ok()) {
        return {0, 0, 0, nullptr};
    }
    return {static_cast<int32_t>(status.code()), static_cast<int32_t>(status.subcode()),
            static_cast<int32_t>(status.severity()), status.IsNotFound() ? nullptr : crocks_copied(status.ToString())};
}

void crocks_tune_allocator(void) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 2147483647);
    mallopt(M_TOP_PAD, 64 << 20);
    mallopt(M_ARENA_MAX, 2);
#endif
}

void crocks_trim_allocator(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

void crocks_free_text(char *text) { std::free(text); }

void BackgroundErrors::OnBackgroundError(BackgroundErrorReason, Status *status) {
    std::lock_guard<std::mutex> guard(mutex_);
    count_ += 1;
    latest_ = status->ToString();
    stands_ = true;
}

// Resuming by itself, 7.8 runs into assertions of its own; opening anew is the way back.
void BackgroundErrors::OnErrorRecoveryBegin(BackgroundErrorReason, Status, bool *recovers) { *recovers = false; }

uint64_t BackgroundErrors::read(std::string &latest) {
    std::lock_guard<std::mutex> guard(mutex_);
    latest = latest_;
    return count_;
}

namespace {

// Keeps tables and blob files while a background error stands. When the manifest cannot be synced, an ingestion takes its
// tables back although the manifest may name them by then, and the directory could never be opened again. What nothing
// names is removed by the next opening.
class KeepingFileSystem : public FileSystemWrapper {
public:
    KeepingFileSystem(const std::shared_ptr<FileSystem> &target, std::shared_ptr<BackgroundErrors> errors)
        : FileSystemWrapper(target), errors_(std::move(errors)) {}

    const char *Name() const override { return "KeepingFileSystem"; }

    IOStatus DeleteFile(const std::string &path, const IOOptions &options, IODebugContext *debug) override {
        bool holdsData = ends(path, ".sst") || ends(path, ".blob");
        return holdsData && errors_->stands() ? IOStatus::OK() : target()->DeleteFile(path, options, debug);
    }

private:
    static bool ends(const std::string &path, const std::string &suffix) {
        return path.size() >= suffix.size() && path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0;
    }

    std::shared_ptr<BackgroundErrors> errors_;
};

}  // namespace

static ColumnFamilyOptions familyOptions(const crocks_family &family, const std::shared_ptr<Cache> &cache) {
    ColumnFamilyOptions options;
    options.write_buffer_size = family.write_buffer_bytes;
    options.max_write_buffer_number = 4;
    options.compression = family.compresses ? kLZ4Compression : kNoCompression;
    options.bottommost_compression = kDisableCompressionOption;
    options.disable_auto_compactions = !family.compacts_automatically;
    // Ingested files are never compacted, so their number must not slow writers down.
    if (!family.compacts_automatically) {
        options.level0_slowdown_writes_trigger = 1 << 30;
        options.level0_stop_writes_trigger = 1 << 30;
        options.soft_pending_compaction_bytes_limit = 0;
        options.hard_pending_compaction_bytes_limit = 0;
    }
    if (family.blob_threshold_bytes > 0) {
        options.enable_blob_files = true;
        options.min_blob_size = family.blob_threshold_bytes;
        options.blob_file_size = family.blob_file_bytes;
    }
    BlockBasedTableOptions table;
    table.block_cache = cache;
    table.block_size = family.block_bytes;
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.format_version = 5;
    table.checksum = kXXH3;
    if (family.bloom_bits_per_key > 0) {
        table.filter_policy.reset(NewBloomFilterPolicy(family.bloom_bits_per_key, false));
    }
    options.table_factory.reset(NewBlockBasedTableFactory(table));
    return options;
}

static DBOptions databaseOptions(const crocks_settings &settings) {
    DBOptions options;
    // Whatever a directory lacks that was complete once is damage.
    options.create_if_missing = settings.creates;
    options.create_missing_column_families = settings.creates;
    // The default stops at the first damage in the log and goes on. Only who has looked at the logs may ask for that.
    options.wal_recovery_mode = settings.ends_at_torn_record ? WALRecoveryMode::kPointInTimeRecovery
                                                             : WALRecoveryMode::kAbsoluteConsistency;
    options.max_total_wal_size = settings.log_limit_bytes;
    options.max_background_jobs = settings.background_job_count;
    options.max_open_files = settings.open_file_limit;
    options.use_direct_io_for_flush_and_compaction = settings.direct_io;
    // Bodies are read in order; with the advice the kernel would not read ahead of them.
    options.advise_random_on_open = false;
    options.bytes_per_sync = 1 << 20;
    options.wal_bytes_per_sync = 1 << 20;
    // Space taken ahead, some 70 MiB for a log, would not be in the account of what is free.
    options.allow_fallocate = false;
    options.skip_stats_update_on_db_open = true;
    // See open().
    options.avoid_flush_during_recovery = true;
    // As for the listener: nothing resumes by itself.
    options.max_bgerror_resume_count = 0;
    return options;
}

static void close(crocks_db &handle) {
    if (handle.db == nullptr) {
        return;
    }
    CancelAllBackgroundWork(handle.db, true);
    for (auto *family : handle.families) {
        handle.db->DestroyColumnFamilyHandle(family).PermitUncheckedError();
    }
    handle.families.clear();
    handle.db->Close().PermitUncheckedError();
    delete handle.db;
    handle.db = nullptr;
}

// What the log holds is written to tables before anything else is, so that no log with a torn or unsynced end lies before
// another; but by a flush, and not by the recovery: that one, when the manifest cannot be synced, removes the tables which
// the manifest may name by then.
static Status open(crocks_db &handle) {
    Status status = DB::Open(handle.options, handle.path, handle.descriptors, &handle.families, &handle.db);
    if (!status.ok()) {
        handle.db = nullptr;
        handle.families.clear();
    } else {
        status = handle.db->Flush(FlushOptions(), handle.families);
        if (!status.ok()) {
            close(handle);
        }
    }
    handle.refusal = status;
    return status;
}

crocks_status crocks_open(const char *path, const crocks_settings *settings, const crocks_family *families,
                          size_t family_count, crocks_db **result) {
    try {
        auto handle = std::make_unique<crocks_db>();
        auto cache = NewLRUCache(settings->cache_bytes);
        handle->path = path;
        handle->options = databaseOptions(*settings);
        handle->errors = std::make_shared<BackgroundErrors>();
        handle->options.listeners.push_back(handle->errors);
        handle->messages = std::make_shared<Messages>();
        handle->options.info_log = handle->messages;
        auto files = settings->faults != nullptr ? crocks_faults_env(settings->faults)->GetFileSystem()
                                                 : FileSystem::Default();
        handle->env = NewCompositeEnv(std::make_shared<KeepingFileSystem>(files, handle->errors));
        handle->options.env = handle->env.get();
        for (size_t index = 0; index < family_count; ++index) {
            handle->familyOptions.push_back(familyOptions(families[index], cache));
            handle->descriptors.emplace_back(families[index].name, handle->familyOptions.back());
        }
        // RocksDB insists on the family that it names itself; nothing is kept there.
        handle->descriptors.emplace_back(kDefaultColumnFamilyName, ColumnFamilyOptions());
        Status status = open(*handle);
        if (!status.ok()) {
            return crocks_report(status);
        }
        *result = handle.release();
        return crocks_report(status);
    } catch (const std::exception &error) {
        return crocks_report(Status::Aborted(error.what()));
    }
}

crocks_status crocks_reopen(crocks_db *db, void *context, int32_t (*inspect)(void *context)) {
    if (db->db != nullptr) {
        // A long compaction ends early instead of holding the gate open.
        db->db->DisableManualCompaction();
    }
    db->gate.shut();
    close(*db);
    db->generation += 1;
    db->errors->forget();
    // It is complete by now, so that what is missing is damage.
    db->options.create_if_missing = false;
    db->options.create_missing_column_families = false;
    int32_t verdict = inspect(context);
    db->options.wal_recovery_mode = verdict == crocks_opens_whole ? WALRecoveryMode::kAbsoluteConsistency
                                                                  : WALRecoveryMode::kPointInTimeRecovery;
    Status status;
    if (verdict == crocks_opens_not) {
        status = db->refusal = Status::Corruption("refused by who looked at it");
    } else {
        status = open(*db);
    }
    if (!status.ok()) {
        // Reads go on with what there is.
        db->options.wal_recovery_mode = WALRecoveryMode::kPointInTimeRecovery;
        Status read = DB::OpenForReadOnly(db->options, db->path, db->descriptors, &db->families, &db->db);
        if (!read.ok()) {
            db->db = nullptr;
            db->families.clear();
        }
    }
    db->gate.open();
    return crocks_report(status);
}

uint64_t crocks_generation(const crocks_db *db) { return db->generation.load(); }

bool crocks_has_failed(const crocks_db *db) { return db->errors->stands(); }

crocks_status crocks_try_disk(crocks_db *db, const char *path, size_t size) {
    Env *env = db->options.env;
    std::unique_ptr<WritableFile> file;
    Status status = env->NewWritableFile(path, &file, EnvOptions());
    if (status.ok()) {
        status = file->Append(std::string(size, '\x5a'));
    }
    if (status.ok()) {
        status = file->Sync();
    }
    if (file) {
        Status closed = file->Close();
        status = status.ok() ? closed : status;
    }
    env->DeleteFile(path).PermitUncheckedError();
    return crocks_report(status);
}

char *crocks_take_message(crocks_db *db, int32_t *level, uint64_t *dropped) {
    std::string text;
    return db->messages->take(text, *level, *dropped) ? crocks_copied(text) : nullptr;
}

void crocks_close(crocks_db *db) {
    close(*db);
    delete db;
}

uint64_t crocks_background_errors(crocks_db *db, char **latest) {
    std::string text;
    uint64_t count = db->errors->read(text);
    *latest = count > 0 ? crocks_copied(text) : nullptr;
    return count;
}

crocks_status crocks_flush(crocks_db *db, bool waits) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    FlushOptions options;
    options.wait = waits;
    options.allow_write_stall = true;
    return crocks_report(db->db->Flush(options, db->families));
}

crocks_status crocks_compact(crocks_db *db, uint32_t family, const void *begin, size_t begin_size, const void *end,
                             size_t end_size, double blob_share) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction = BottommostLevelCompaction::kForceOptimized;
    if (db->familyOptions[family].enable_blob_files) {
        options.blob_garbage_collection_policy =
            blob_share > 0 ? BlobGarbageCollectionPolicy::kForce : BlobGarbageCollectionPolicy::kDisable;
        options.blob_garbage_collection_age_cutoff = blob_share;
    }
    Slice first = slice(begin, begin_size);
    Slice last = slice(end, end_size);
    return crocks_report(db->db->CompactRange(options, db->families[family], &first, &last));
}

bool crocks_property(crocks_db *db, uint32_t family, const char *name, uint64_t *value) {
    Use use(db);
    return use.isOpen() && db->db->GetIntProperty(db->families[family], name, value);
}

uint64_t crocks_table_bytes(crocks_db *db, uint32_t family) {
    Use use(db);
    if (!use.isOpen()) {
        return 0;
    }
    ColumnFamilyMetaData metadata;
    db->db->GetColumnFamilyMetaData(db->families[family], &metadata);
    return metadata.size;
}
