"""One thread per worker: small tensors are fastest so."""

import torch

torch.set_num_threads(1)
