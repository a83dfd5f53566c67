package com.amazonaws.services.lambda.crac;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

/** Calls every hook, whatever others throw: before a snapshot the last registered is the first, after it the last. */
final class ContextImpl extends Context<Resource> {
    /** Weak: what nobody else knows any more hears of nothing. The values say in which order they came. */
    private final Map<Resource, Long> registered = new WeakHashMap<>();
    private long count;

    @Override
    public synchronized void register(Resource resource) {
        registered.put(resource, count++);
    }

    @Override
    public synchronized void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException {
        List<Resource> resources = inOrder();
        Collections.reverse(resources);
        List<Throwable> thrown = new ArrayList<>();
        for (Resource resource : resources) {
            try {
                resource.beforeCheckpoint(this);
            } catch (CheckpointException e) {
                thrown.addAll(Arrays.asList(e.getSuppressed()));
            } catch (Exception e) {
                thrown.add(e);
            }
        }
        if (!thrown.isEmpty()) {
            CheckpointException together = new CheckpointException();
            thrown.forEach(together::addSuppressed);
            throw together;
        }
    }

    @Override
    public synchronized void afterRestore(Context<? extends Resource> context) throws RestoreException {
        List<Throwable> thrown = new ArrayList<>();
        for (Resource resource : inOrder()) {
            try {
                resource.afterRestore(this);
            } catch (RestoreException e) {
                thrown.addAll(Arrays.asList(e.getSuppressed()));
            } catch (Exception e) {
                thrown.add(e);
            }
        }
        if (!thrown.isEmpty()) {
            RestoreException together = new RestoreException();
            thrown.forEach(together::addSuppressed);
            throw together;
        }
    }

    private List<Resource> inOrder() {
        List<Map.Entry<Resource, Long>> entries = new ArrayList<>(registered.entrySet());
        entries.sort(Map.Entry.comparingByValue());
        List<Resource> resources = new ArrayList<>();
        for (Map.Entry<Resource, Long> entry : entries) {
            resources.add(entry.getKey());
        }
        return resources;
    }
}
