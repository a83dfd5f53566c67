"""What is wrong with an event source mapping: wordings of InvalidParameterValueException."""

from typing import Self

from lambdad.errors.base import ServiceError


class EventSourceWordings(ServiceError):
    @classmethod
    def unrecognized_source(cls) -> Self:
        return cls("Unrecognized event source.")

    @classmethod
    def source_elsewhere(cls, region: str) -> Self:
        return cls(f"Event source region must match Lambda region {region}.")

    @classmethod
    def source_of_another(cls) -> Self:
        return cls("Role and event source must be in the same account as the cloud function.")

    @classmethod
    def record_age(cls, least: int, most: int) -> Self:
        return cls(f"MaximumRecordAgeInSeconds must be either -1 (forever) or between {least} and {most} (inclusive)")

    @classmethod
    def of_source_kind(cls, parameter: str) -> Self:
        return cls(f"Unsupported {parameter} parameter for given event source mapping type.")

    @classmethod
    def missing_parameter(cls, name: str) -> Self:
        return cls(f"Required '{name}' parameter is missing.")

    @classmethod
    def null_starting_position(cls) -> Self:
        return cls(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )

    @classmethod
    def starting_position(cls, arn: str) -> Self:
        return cls(f"Unsupported starting position for arn type: {arn}")

    @classmethod
    def starting_position_timestamp(cls) -> Self:
        return cls("StartingPositionTimestamp must be given with the AT_TIMESTAMP starting position, and only with it.")

    @classmethod
    def future_starting_position(cls) -> Self:
        return cls("StartingPositionTimestamp cannot be in the future.")

    @classmethod
    def batch_without_window(cls) -> Self:
        return cls("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")

    @classmethod
    def window_of_fifo(cls) -> Self:
        return cls("Batching window is not supported for FIFO queues")

    @classmethod
    def filter_pattern(cls) -> Self:
        return cls("Invalid filter pattern definition.")

    @classmethod
    def too_many_filters(cls, limit: int) -> Self:
        return cls(f"The number of filters is greater than the limit of {limit} per event source mapping.")

    @classmethod
    def pollers(cls, name: str, least: int, most: int) -> Self:
        return cls(f"{name} must be between {least} and {most} for this event source.")

    @classmethod
    def poller_bounds(cls) -> Self:
        return cls("MinimumPollers must be less than or equal to MaximumPollers.")

    @classmethod
    def function_of_mapping(cls) -> Self:
        return cls("Function does not exist")

    @classmethod
    def stream_not_found(cls, arn: str) -> Self:
        return cls(f"Stream not found: {arn}")

    @classmethod
    def queue_not_found(cls) -> Self:
        return cls(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            "SQS Error Message: The specified queue does not exist."
        )

    @classmethod
    def visibility_timeout(cls, queue: int, function: int) -> Self:
        """Of a queue and of the function that it is for: seconds."""
        return cls(f"Queue visibility timeout: {queue} seconds is less than Function timeout: {function} seconds")

    @classmethod
    def scaling_and_pollers(cls) -> Self:
        return cls("MaximumConcurrency of ScalingConfig and ProvisionedPollerConfig are mutually exclusive.")
