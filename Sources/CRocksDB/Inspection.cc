// Looking at a database without changing anything in its directory, and what of it is durable.

#include "Handles.h"

#include <cstdarg>

#include <rocksdb/metadata.h>
#include <rocksdb/table.h>

using namespace rocksdb;

// Exported by the library, which keeps their header to itself.
namespace rocksdb {
namespace crc32c {
uint32_t Extend(uint32_t crc, const char *data, size_t size);
}
uint32_t ComputeBuiltinChecksumWithLastByte(ChecksumType type, const char *data, size_t size, char last);
}  // namespace rocksdb

namespace {

// By default RocksDB writes its own log into the directory, also when it only reads.
class SilentLogger : public Logger {
public:
    using Logger::Logv;
    void Logv(const char *, va_list) override {}
};

}  // namespace

uint32_t crocks_crc32c(const void *data, size_t size) {
    return crc32c::Extend(0, static_cast<const char *>(data), size);
}

bool crocks_block_checksum(uint8_t type, const void *data, size_t size, uint8_t last, uint32_t *checksum) {
    if (type == kNoChecksum || type > kXXH3) {
        return false;
    }
    *checksum = ComputeBuiltinChecksumWithLastByte(static_cast<ChecksumType>(type), static_cast<const char *>(data),
                                                   size, static_cast<char>(last));
    return true;
}

void BackgroundErrors::OnMemTableSealed(const MemTableInfo &) { changes += 1; }
void BackgroundErrors::OnFlushCompleted(DB *, const FlushJobInfo &) { changes += 1; }
void BackgroundErrors::OnCompactionCompleted(DB *, const CompactionJobInfo &) { changes += 1; }
void BackgroundErrors::OnExternalFileIngested(DB *, const ExternalFileIngestionInfo &) { changes += 1; }

uint64_t crocks_change_count(const crocks_db *db) { return db->errors->changes.load(); }

crocks_status crocks_list_families(const char *path, void *context, void (*visit)(void *context, const char *name)) {
    DBOptions options;
    options.info_log = std::make_shared<SilentLogger>();
    std::vector<std::string> names;
    Status status = DB::ListColumnFamilies(options, path, &names);
    for (const auto &name : names) {
        visit(context, name.c_str());
    }
    return crocks_report(status);
}

crocks_status crocks_open_reading(const char *path, const char *log_path, bool forgives, const char *const *names,
                                  size_t name_count, crocks_db **result) {
    try {
        auto handle = std::make_unique<crocks_db>();
        handle->errors = std::make_shared<BackgroundErrors>();
        handle->options.info_log = std::make_shared<SilentLogger>();
        handle->options.listeners.push_back(handle->errors);
        handle->options.max_open_files = 256;
        handle->options.skip_stats_update_on_db_open = true;
        handle->options.paranoid_checks = !forgives;
        handle->options.wal_recovery_mode =
            forgives ? WALRecoveryMode::kSkipAnyCorruptedRecords : WALRecoveryMode::kPointInTimeRecovery;
        if (log_path != nullptr) {
            handle->options.wal_dir = log_path;
        }
        BlockBasedTableOptions table;
        table.block_cache = NewLRUCache(16 << 20);
        std::vector<ColumnFamilyDescriptor> descriptors;
        for (size_t index = 0; index < name_count; ++index) {
            ColumnFamilyOptions options;
            options.table_factory.reset(NewBlockBasedTableFactory(table));
            handle->familyOptions.push_back(options);
            descriptors.emplace_back(names[index], options);
        }
        descriptors.emplace_back(kDefaultColumnFamilyName, ColumnFamilyOptions());
        Status status =
            DB::OpenForReadOnly(handle->options, path, descriptors, &handle->families, &handle->db, false);
        if (status.ok()) {
            *result = handle.release();
        }
        return crocks_report(status);
    } catch (const std::exception &error) {
        return crocks_report(Status::Aborted(error.what()));
    }
}

uint32_t crocks_family_id(const crocks_db *db, uint32_t family) { return db->families[family]->GetID(); }

void crocks_live_files(crocks_db *db, void *context,
                       void (*visit)(void *context, const char *name, uint64_t bytes, bool is_blob)) {
    // The last family is the one that RocksDB insists on.
    for (auto *family : db->families) {
        ColumnFamilyMetaData metadata;
        db->db->GetColumnFamilyMetaData(family, &metadata);
        for (const auto &level : metadata.levels) {
            for (const auto &file : level.files) {
                visit(context, file.relative_filename.c_str(), file.size, false);
            }
        }
        for (const auto &file : metadata.blob_files) {
            visit(context, file.blob_file_name.c_str(), file.blob_file_size, true);
        }
    }
}

crocks_status crocks_manifest(crocks_db *db, char **name, uint64_t *bytes) {
    std::vector<std::string> files;
    *name = nullptr;
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    Status status = db->db->GetLiveFiles(files, bytes, false);
    for (const auto &file : files) {
        if (status.ok() && file.rfind("/MANIFEST-", 0) == 0) {
            *name = crocks_copied(file.substr(1));
        }
    }
    return crocks_report(status);
}

crocks_status crocks_sync_log(crocks_db *db) {
    Use use(db);
    return crocks_report(use.isOpen() ? db->db->SyncWAL() : use.refusal());
}
