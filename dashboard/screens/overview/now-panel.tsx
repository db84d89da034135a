import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { followStats } from '../../telemetry/follow-stats.ts';
import type { Point } from '../../telemetry/stats-points.ts';
import { isUp } from '../../vms/vm-facts.ts';
import { Meter } from '../../parts/meter.tsx';
import { Sparkline } from './sparkline.tsx';
import { useFollowing } from '../../loading/use-following.ts';
import { gigabytes } from '../../words/format.ts';
import { telemetryWords } from '../../words/telemetry.ts';
import { vmWords } from '../../words/vm.ts';

/** Memory is sold in these. */
const GIB = 1024 ** 3;
const SPARK_SAMPLES = 60;

/** What the VM uses now. */
export function NowPanel({ vm }: { vm: Vm }): JSX.Element {
  const isOn = isUp(vm);
  const { value: points = [] } = useFollowing<readonly Point[]>(followStats, vm.id, isOn);
  const last = isOn ? points.at(-1) : undefined;
  return (
    <section class="panel now">
      <h2>{vmWords.now.title}</h2>
      {!isOn && <p class="quiet">{vm.status === 'STOPPED' ? telemetryWords.stats.off : vmWords.now.notRunning}</p>}
      {isOn && last === undefined && <p class="quiet">{telemetryWords.stats.waiting}</p>}
      {last !== undefined && (
        <>
          <div>
            <Meter
              label={vmWords.now.cpu}
              value={last.cpuPercent}
              max={vm.specs.cpu * 100}
              text={vmWords.now.cpuOf(last.cpuPercent / vm.specs.cpu, vm.specs.cpu)}
            />
            <Sparkline
              values={points.slice(-SPARK_SAMPLES).map(({ cpuPercent }) => cpuPercent)}
              max={vm.specs.cpu * 100}
              size={SPARK_SAMPLES}
            />
          </div>
          <Meter
            label={vmWords.now.ram}
            value={last.memoryBytes}
            max={last.memoryLimitBytes}
            text={vmWords.now.of(gigabytes(last.memoryBytes / GIB), gigabytes(last.memoryLimitBytes / GIB))}
          />
        </>
      )}
      {vm.storageGb !== null && (
        <div title={vmWords.now.filesHint}>
          <Meter
            label={vmWords.now.files}
            value={vm.storageUsedGb}
            max={vm.storageGb}
            text={vmWords.now.of(gigabytes(vm.storageUsedGb), gigabytes(vm.storageGb))}
          />
        </div>
      )}
      {vm.scratchUsedGb !== null && vm.scratchLimitGb !== null && (
        <div title={vmWords.now.scratchHint}>
          <Meter
            label={vmWords.now.scratch}
            value={vm.scratchUsedGb}
            max={vm.scratchLimitGb}
            text={vmWords.now.of(gigabytes(vm.scratchUsedGb), gigabytes(vm.scratchLimitGb))}
          />
        </div>
      )}
    </section>
  );
}
