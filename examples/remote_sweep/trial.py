"""One trial of the sweep: the loss of one learning rate, logged to the job's own run."""

import argparse

import mlflow

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, required=True)
rate = parser.parse_args().rate

position = 1.0
for step in range(20):
    position -= rate * 2 * position  # gradient descent on x squared
    mlflow.log_metric("loss", position**2, step=step)
mlflow.log_param("rate", rate)
