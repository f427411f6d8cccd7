// Work given to a device runs when somebody waits for it, not before: a host that reads a result too early, or changes
// pinned memory that is still to be copied, gets what it would get on a slow card.
//
// One queue for all streams and devices: work runs in the order in which it was given, whatever its stream.
#include <atomic>
#include <cstdlib>
#include <deque>
#include <mutex>

#include "driver.h"

namespace standin {

std::string env(const char* name, const char* otherwise) {
    const char* value = getenv(name);
    return value && *value ? value : otherwise;
}

bool dry() {
    static const bool is = !env("STANDIN_DRY").empty();
    return is;
}

namespace {

constexpr size_t DEPTH = 4096; // work waiting, after which giving more runs it first, as a card's queue does

struct Queue {
    std::mutex lock;              // of what is waiting
    std::recursive_mutex running; // held by whoever runs it
    std::deque<Work> waiting;
    bool fresh = false; // something was given since the last wait
    std::atomic<int> failure{SUCCESS};
};

Queue& queue() {
    static Queue& q = *new Queue; // outlives every thread's last call
    return q;
}

} // namespace

void submit(Work work) {
    Queue& q = queue();
    size_t waiting;
    {
        std::lock_guard<std::mutex> hold(q.lock);
        q.waiting.push_back(std::move(work));
        q.fresh = true;
        waiting = q.waiting.size();
    }
    if (waiting > DEPTH) drain();
}

int drain() {
    Queue& q = queue();
    std::lock_guard<std::recursive_mutex> hold(q.running);
    for (;;) {
        Work work;
        {
            std::lock_guard<std::mutex> hold(q.lock);
            if (q.waiting.empty()) return q.failure;
            work = std::move(q.waiting.front());
            q.waiting.pop_front();
        }
        if (int code = work(); code && !q.failure) q.failure = code;
    }
}

int wait(const char* caller) {
    bool fresh;
    {
        std::lock_guard<std::mutex> hold(queue().lock);
        fresh = queue().fresh;
        queue().fresh = false;
    }
    int code = drain();
    count_sync(caller, !fresh);
    trim_pools();
    return code;
}

int failed() { return queue().failure; }

} // namespace standin
