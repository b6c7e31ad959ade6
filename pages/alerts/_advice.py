"""What to do about trouble on a farm, in a sentence for somebody who stands in the yard."""

from ui.words import _, noop

ADVICE = {
    "temperature_high": noop("Run the fans, open the sides, and give cool water. Above 38 °C birds die within the hour."),
    "temperature_low": noop("Close the sides and look whether the heater runs. Chicks that huddle together are cold."),
    "humidity_high": noop("Let fresh air through, and turn or change wet litter."),
    "humidity_low": noop("Check that the probe hangs free. Dry air makes dust: wet the floor of the passage a little."),
    "co2_high": noop("Let fresh air in at once, also when it is cold outside."),
    "device_offline": noop("Look whether it has power and whether the Wi-Fi works there. Until it is back it cannot be switched from here."),
    "device_silent": noop("Look at the device itself: it may not be as shown here. Switch it by hand if it matters."),
    "device_unreachable": noop("Look whether the router and the broker run. Switch by hand until the connection is back."),
    "device_refused": noop("Look at the device itself and at what it is connected to."),
    "device_on_too_long": noop("Switch it off by hand, and look why it did not obey."),
    "device_contradicted": noop("Go and look whether it really runs: its switch and its meter say different things."),
    "water_low": noop("Fill the tank, and look whether the pump runs."),
    "low_battery": noop("Charge or change the battery before it goes silent."),
    "schedule_failed": noop("Do it by hand for now, and look at the device and at the schedule."),
    "schedule_fail_safe": noop("Look at the probe: without its values the schedule keeps to what is safe."),
    "farm_stopped": noop("See that everybody is safe, then let the farm go on."),
    "firmware_available": noop("Install it when no birds depend on the device."),
    "firmware_failed": noop("Look at the device: does it switch, and what does its own page say? Then try again, or install it by hand."),
    "anomaly": noop("Nothing is beyond its limits. Look whether the probe, a fan or a heater is not as it should be."),
    "flock_drinking_less": noop("Look at the drinkers and the pump first, then at the birds: less water is often the first sign of illness."),
    "flock_mortality": noop("Take the dead away, look at the living, and call a vet before you treat."),
    "flock_growing_less": noop("Weigh some more birds to be sure. Then look at the feed, the water and how warm it is."),
    "house_temperature": noop("Look at where the birds sit: those that are too warm lie apart and pant, those that are too cold huddle together."),
}  # fmt: skip


def advice(alert_type: str) -> str:
    """What to do about that kind; '' where nobody wrote anything."""
    return _(ADVICE[alert_type]) if alert_type in ADVICE else ""
