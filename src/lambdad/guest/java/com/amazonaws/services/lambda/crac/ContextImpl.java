package com.amazonaws.services.lambda.crac;

import java.util.ArrayList;
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
        callAll(resources, resource -> resource.beforeCheckpoint(this), new CheckpointException());
    }

    @Override
    public synchronized void afterRestore(Context<? extends Resource> context) throws RestoreException {
        callAll(inOrder(), resource -> resource.afterRestore(this), new RestoreException());
    }

    private interface Hook {
        void call(Resource resource) throws Exception;
    }

    private static <E extends Exception> void callAll(List<Resource> resources, Hook hook, E together) throws E {
        for (Resource resource : resources) {
            try {
                hook.call(resource);
            } catch (CheckpointException | RestoreException e) { // a context of contexts: it is about what is in it
                for (Throwable thrown : e.getSuppressed()) {
                    together.addSuppressed(thrown);
                }
            } catch (Exception e) {
                together.addSuppressed(e);
            }
        }
        if (together.getSuppressed().length > 0) {
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
