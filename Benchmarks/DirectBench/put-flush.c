/* Open MPI's one-sided put with flush, and its messages, between two ranks of one host. Prints bytes and medians in us. */
#include "bench.h"

#include <mpi.h>
#include <string.h>

int main(int argc, char **argv)
{
	static const int sizes[] = {8, 64, 4096, 65536, 1 << 20, 8 << 20};
	enum { ROUNDS = 31 };
	int rank;
	char *memory = malloc(8 << 20), *target = malloc(8 << 20);
	MPI_Win window;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	memset(memory, 1, 8 << 20);
	memset(target, 2, 8 << 20);
	MPI_Win_create(target, 8 << 20, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &window);
	for (int i = 0; i < 6; i++) {
		int size = sizes[i], group = size <= 65536 ? 64 : size <= (1 << 20) ? 8 : 2;
		double puts[ROUNDS], messages[ROUNDS];

		MPI_Barrier(MPI_COMM_WORLD);
		if (rank == 0) {
			MPI_Win_lock(MPI_LOCK_SHARED, 1, 0, window);
			for (int round = 0; round < ROUNDS; round++) {
				double start = MPI_Wtime();

				for (int j = 0; j < group; j++) {
					MPI_Put(memory, size, MPI_BYTE, 1, 0, size, MPI_BYTE, window);
					MPI_Win_flush(1, window);
				}
				puts[round] = (MPI_Wtime() - start) / group * 1e6;
			}
			MPI_Win_unlock(1, window);
		}
		MPI_Barrier(MPI_COMM_WORLD);
		for (int round = 0; round < ROUNDS; round++) {
			double start = MPI_Wtime();

			for (int j = 0; j < group; j++) {
				if (rank == 0)
					MPI_Send(memory, size, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
				MPI_Recv(target, size, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
				if (rank == 1)
					MPI_Send(memory, size, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
			}
			messages[round] = (MPI_Wtime() - start) / group / 2 * 1e6;
		}
		if (rank == 0)
			printf("%10d %12.3f %12.3f\n", size, median(puts, ROUNDS), median(messages, ROUNDS));
	}
	MPI_Win_free(&window);
	MPI_Finalize();
	return 0;
}
