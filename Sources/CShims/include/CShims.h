/* System calls and macros that the Glibc module does not show to Swift. No logic here. */
#ifndef CSHIMS_H
#define CSHIMS_H

/* Linux hides memfd_create behind _GNU_SOURCE, which cannot be set for an imported module. */
int cshims_memfd_create(const char *name);

#endif
