/* version: which Sallyport this is, for --version and User-Agent. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define SALLYPORT_VERSION "0.1.0"

#endif /* BASE_VERSION_H */
