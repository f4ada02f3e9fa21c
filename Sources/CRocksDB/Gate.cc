// Who is inside a database, and RocksDB's messages.

#include "Handles.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

using namespace rocksdb;

// The gates that cursors of this thread keep from being shut: few, and mostly none. A call under such a cursor must not
// wait for the gate, which waits for the cursor.
static thread_local std::vector<const Gate *> held;

void Gate::enter() {
    inside_.fetch_add(1);
    // Either this sees the gate shut, or whoever shuts it sees this: both are sequentially consistent.
    if (!isShut_.load() || std::find(held.begin(), held.end(), this) != held.end()) {
        return;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    inside_.fetch_sub(1);
    changed_.notify_all();
    changed_.wait(lock, [this] { return !isShut_.load(); });
    inside_.fetch_add(1);
}

void Gate::leave() {
    if (inside_.fetch_sub(1) == 1 && isShut_.load()) {
        std::lock_guard<std::mutex> guard(mutex_);
        changed_.notify_all();
    }
}

void Gate::enterForCursor() {
    enter();
    held.push_back(this);
}

void Gate::leaveForCursor() {
    auto found = std::find(held.rbegin(), held.rend(), this);
    if (found != held.rend()) {
        held.erase(std::next(found).base());
    }
    leave();
}

void Gate::shut() {
    std::unique_lock<std::mutex> lock(mutex_);
    isShut_ = true;
    changed_.wait(lock, [this] { return inside_.load() == 0; });
}

void Gate::open() {
    std::lock_guard<std::mutex> guard(mutex_);
    isShut_ = false;
    changed_.notify_all();
}

void Messages::Logv(const char *format, va_list arguments) { Logv(InfoLogLevel::WARN_LEVEL, format, arguments); }

void Messages::Logv(const InfoLogLevel level, const char *format, va_list arguments) {
    // Headers bear the highest level and tell of options.
    if (level < InfoLogLevel::WARN_LEVEL || level >= InfoLogLevel::HEADER_LEVEL) {
        return;
    }
    char text[1024];
    std::vsnprintf(text, sizeof text, format, arguments);
    std::lock_guard<std::mutex> guard(mutex_);
    if (waiting_.size() == limit_) {
        waiting_.pop_front();
        dropped_ += 1;
    }
    waiting_.emplace_back(level == InfoLogLevel::WARN_LEVEL ? crocks_message_warning : crocks_message_error, text);
}

bool Messages::take(std::string &text, int32_t &level, uint64_t &dropped) {
    std::lock_guard<std::mutex> guard(mutex_);
    dropped = dropped_;
    dropped_ = 0;
    if (waiting_.empty()) {
        return false;
    }
    level = waiting_.front().first;
    text = std::move(waiting_.front().second);
    waiting_.pop_front();
    return true;
}
