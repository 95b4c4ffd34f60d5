/* cgroup: how many CPUs the control groups we are in leave us.
 *
 * Of version 2 (cpu.max) and version 1 (cpu.cfs_quota_us): our own group and
 * those above it, as far up as they are mounted here.  Source: the kernel's
 * cgroup-v2.rst and sched-bwc.rst, proc(5) for mountinfo.  Pure over files;
 * any thread.
 */
#ifndef HAPROXY_CGROUP_H
#define HAPROXY_CGROUP_H

/* The least quota in whole CPUs, rounded up; 0: there is none, or what there
 * is cannot be read.  'root' comes before each path: "". */
unsigned cgroup_cpus(const char *root);

#endif /* HAPROXY_CGROUP_H */
