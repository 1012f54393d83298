package zerofs.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.fs.engine.Journaling;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// A store and two machines, on which processes serve one volume.
final class CrashWorld {
  private final SimulatedTasks simulation;
  private final RequestWatcher points;
  private final Setup setup;
  private final SplittableRandom random;
  private final MemoryObjectStore store = TestVolumes.empty();
  private final List<TestMachine> machines = List.of(new TestMachine(), new TestMachine());
  private final List<String> processes = new ArrayList<>();
  private final List<Wire> wires = new ArrayList<>();
  private int machine;
  private boolean takingOver;

  /// @param journal whether processes have one
  /// @param bytesMax of the volume
  /// @param weather of the store
  record Setup(TestVolumes.Size size, boolean journal, long bytesMax, Weather weather) {}

  /// What lies between a process and its wire.
  @FunctionalInterface
  interface Weather {
    Weather FAIR = (wire, process) -> wire;

    ObjectStore over(ObjectStore wire, Tasks process);
  }

  CrashWorld(SimulatedTasks simulation, RequestWatcher points, Setup setup, long seed) {
    this.simulation = simulation;
    this.points = new UnlockedRequests(points, simulation);
    this.setup = setup;
    this.random = new SplittableRandom(seed);
  }

  /// Starts a process on the machine that had the last one, once that has ended.
  Volume start() throws StorageException {
    return start(takingOver);
  }

  /// Starts a process on the other machine, whatever that of the first one does.
  Volume takeOver() throws StorageException {
    machine = 1 - machine;
    takingOver = true;
    Volume volume = start(true);
    takingOver = false;
    return volume;
  }

  private Volume start(boolean takeover) throws StorageException {
    String name = "process " + processes.size();
    processes.add(name);
    Tasks tasks = simulation.group(name);
    Journaling journaling =
        setup.journal()
            ? machines.get(machine).journaling(points, tasks, random.nextLong(), takeover)
            : Journaling.none(takeover);
    return TestVolumes.open(
        setup.weather().over(wire(), tasks),
        journaling,
        tasks,
        random.nextLong(),
        setup.bytesMax(),
        setup.size());
  }

  /// A way to the store, which is cut with those of the processes.
  Wire wire() {
    Wire wire = new Wire(store, simulation, points, random.split());
    wires.add(wire);
    return wire;
  }

  /// The last process that was started is killed.
  void killLast() {
    simulation.kill(last());
    wires.getLast().cut();
  }

  /// Everything that runs is killed.
  ///
  /// @param power whether the machines' power is cut, too
  void crash(boolean power) {
    processes.forEach(simulation::kill);
    wires.forEach(Wire::cut);
    if (power) {
      machines.forEach(each -> each.cutPower(random.split()));
    }
  }

  /// The name of the last process that was started.
  String last() {
    return processes.getLast();
  }

  MemoryObjectStore store() {
    return store;
  }

  SimulatedTasks simulation() {
    return simulation;
  }
}
